// SPDX-License-Identifier: Apache-2.0

/// Proves that a plan can be run without any further check: extents, memory, and by ``FlowChecker`` what the
/// steps do with it.
struct PlanChecker {
  let contents: PlanContents
  let constants: UnsafeRawBufferPointer

  func check() throws(PlanError) {
    try checkInput()
    try checkBuffers()
    for i in contents.tensors.indices { try checkTensor(i) }
    var flow = FlowChecker(checker: self)
    try flow.check()
    try checkUse()
    try checkLabels()
  }

  func require(
    _ condition: Bool, _ location: @autoclosure () -> String, _ expected: @autoclosure () -> String,
    _ found: @autoclosure () -> String
  ) throws(PlanError) {
    if !condition { throw .invalid(where: location(), expected: expected(), found: found()) }
  }

  // MARK: Input, labels, memory

  private func checkInput() throws(PlanError) {
    let input = contents.input
    if case .crop(let fraction) = input.fit {
      try require(fraction > 0 && fraction <= 1, "crop fraction", "more than 0, at most 1", "other")
    }
    try require(!contents.tensors.isEmpty, "tensors", "at least one", "none")
    try require(!contents.steps.isEmpty, "steps", "at least one", "none")
    let picture = contents.tensors[0]
    try require(
      picture.type == .pictureRGB
        && picture.shape == Shape(height: input.height, width: input.width, channels: 3),
      "tensor 0", "an RGB picture of \(input.width)×\(input.height)", "\(picture.shape)")
    let hashes = contents.golden.stepHashes.count
    try require(
      hashes == 0 || hashes == contents.steps.count, "golden section",
      "\(contents.steps.count) hashes", "\(hashes)")
  }

  private func checkLabels() throws(PlanError) {
    let classes = contents.classCount
    try require(
      contents.labels.isEmpty || contents.labels.count == classes, "labels", "\(classes)",
      "\(contents.labels.count)")
  }

  private func checkBuffers() throws(PlanError) {
    // Other threads' scratch follows the arena and must be aligned too.
    try require(
      contents.arenaBytes % 64 == 0, "arena", "a multiple of 64 bytes", "\(contents.arenaBytes)")
    let last = contents.steps.count - 1
    for (i, buffer) in contents.buffers.enumerated() {
      let life = buffer.lifetime
      try require(
        life.firstStep <= life.lastStep && life.lastStep <= last, "lifetime of buffer \(i)",
        "steps within 0 ... \(last)", "\(life.firstStep) ... \(life.lastStep)")
      try requireInArena(buffer.offset, buffer.byteCount, "buffer \(i)")
      for j in 0..<i where life.overlaps(contents.buffers[j].lifetime) {
        let other = contents.buffers[j]
        try require(
          disjoint(buffer.offset, buffer.byteCount, other.offset, other.byteCount),
          "buffers \(j) and \(i)", "separate bytes while both are alive", "an overlap")
      }
    }
    for (i, step) in contents.steps.enumerated() where step.scratchBytes > 0 {
      try requireInArena(step.scratchOffset, step.scratchBytes, "scratch of step \(i)")
      for (j, buffer) in contents.buffers.enumerated()
      where buffer.lifetime.overlaps(Lifetime(firstStep: i, lastStep: i)) {
        try require(
          disjoint(step.scratchOffset, step.scratchBytes, buffer.offset, buffer.byteCount),
          "scratch of step \(i) and buffer \(j)", "separate bytes", "an overlap")
      }
    }
  }

  private func requireInArena(_ offset: Int, _ bytes: Int, _ what: String) throws(PlanError) {
    try require(
      offset % 64 == 0 && bytes % 64 == 0, what, "offset and size in multiples of 64",
      "\(offset) and \(bytes)")
    try require(
      offset <= contents.arenaBytes && bytes <= contents.arenaBytes - offset, what,
      "bytes within the arena of \(contents.arenaBytes)", "\(offset) ..< \(offset + bytes)")
  }

  private func disjoint(_ a: Int, _ aBytes: Int, _ b: Int, _ bBytes: Int) -> Bool {
    a + aBytes <= b || b + bBytes <= a
  }

  private func checkTensor(_ i: Int) throws(PlanError) {
    let tensor = contents.tensors[i], shape = tensor.shape
    try require(
      (1...PlanLimits.extent).contains(shape.height)
        && (1...PlanLimits.extent).contains(shape.width)
        && (1...PlanLimits.channels(of: tensor.type)).contains(shape.channels),
      "tensor \(i)", "extents of 1 ... \(PlanLimits.extent)", "\(shape)")
    try require(
      contents.buffers.indices.contains(tensor.buffer), "buffer of tensor \(i)",
      "0 ..< \(contents.buffers.count)", "\(tensor.buffer)")
    let room = contents.buffers[tensor.buffer].byteCount
    try require(
      tensor.byteCount <= room, "tensor \(i)", "at most \(room) bytes, as its buffer has",
      "\(tensor.byteCount)")
    let scale = tensor.quantization.scale
    try require(
      scale > 0 && scale.isFinite && (-128...127).contains(tensor.quantization.zeroPoint),
      "quantization of tensor \(i)", "a positive scale and a zero point in −128 ... 127", "other")
    try require(
      tensor.type != .int16 || tensor.quantization.zeroPoint == 0, "quantization of tensor \(i)",
      "a zero point of 0 in int16", "\(tensor.quantization.zeroPoint)")
  }

  /// Memory that nothing is in is not reserved, so that a small file cannot ask for much.
  private func checkUse() throws(PlanError) {
    var used = [Int](repeating: 0, count: contents.buffers.count)
    for tensor in contents.tensors {
      used[tensor.buffer] = max(used[tensor.buffer], (tensor.byteCount + 63) / 64 * 64)
    }
    var end = 0
    for (i, buffer) in contents.buffers.enumerated() {
      try require(
        buffer.byteCount == used[i], "buffer \(i)", "\(used[i]) bytes, as its tensors have",
        "\(buffer.byteCount)")
      end = max(end, buffer.offset + buffer.byteCount)
    }
    for step in contents.steps where step.scratchBytes > 0 {
      end = max(end, step.scratchOffset + step.scratchBytes)
    }
    try require(
      contents.arenaBytes == end, "arena", "\(end) bytes, where its last buffer ends",
      "\(contents.arenaBytes)")
  }
}
