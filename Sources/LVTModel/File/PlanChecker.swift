// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// Proves that a plan can be run without any further check: extents, memory, data flow, constants.
struct PlanChecker {
  let contents: PlanContents
  let constants: UnsafeRawBufferPointer

  func check() throws(PlanError) {
    try checkInput()
    try checkBuffers()
    for i in contents.tensors.indices { try checkTensor(i) }
    try checkSharing()
    try checkFlow()
    try checkLabels()
  }

  private func require(
    _ condition: Bool, _ location: @autoclosure () -> String, _ expected: @autoclosure () -> String,
    _ found: @autoclosure () -> String
  ) throws(PlanError) {
    if !condition { throw .invalid(where: location(), expected: expected(), found: found()) }
  }

  // MARK: Input, labels, memory

  private func checkInput() throws(PlanError) {
    let input = contents.input
    try require(
      input.cropFraction > 0 && input.cropFraction <= 1, "crop fraction", "more than 0, at most 1",
      "other")
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
    let classes = contents.tensors[contents.steps[contents.steps.count - 1].output].shape.channels
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
        && (1...PlanLimits.channels).contains(shape.channels),
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

  // MARK: Steps

  /// Follows which tensor each buffer holds from step to step.
  private func checkFlow() throws(PlanError) {
    var held = [Int?](repeating: nil, count: contents.buffers.count)
    held[contents.tensors[0].buffer] = 0
    for (i, step) in contents.steps.enumerated() {
      var read = [step.input]
      if case .pointwise(let pointwise) = step.operation, let residual = pointwise.residual {
        read.append(residual)
      }
      for index in read + [step.output] {
        try require(
          contents.tensors.indices.contains(index), "step \(i)",
          "tensors 0 ..< \(contents.tensors.count)", "\(index)")
        let life = contents.buffers[contents.tensors[index].buffer].lifetime
        try require(
          life.overlaps(Lifetime(firstStep: i, lastStep: i)), "step \(i)",
          "a live buffer under tensor \(index)", "one that is not")
      }
      for index in read {
        try require(
          held[contents.tensors[index].buffer] == index, "step \(i)",
          "tensor \(index) in its buffer", "another or nothing")
      }
      try checkStep(i, step)
      held[contents.tensors[step.output].buffer] = step.output
    }
    let result = contents.tensors[contents.steps[contents.steps.count - 1].output]
    try require(
      result.type == .float32 && result.shape.positions == 1, "last step", "logits", "another value"
    )
  }

  /// No two matrices share bytes of the constants, so that the time to check them grows with the file
  /// and not with the number of its steps.
  private func checkSharing() throws(PlanError) {
    let bytes = contents.steps.reduce(Count(0)) { $0 + Count($1.operation.constantBytes) }.value
    try require(
      bytes <= constants.count, "steps", "matrices of at most \(constants.count) bytes", "\(bytes)")
  }

  private func checkStep(_ i: Int, _ step: Step) throws(PlanError) {
    let input = contents.tensors[step.input], output = contents.tensors[step.output]
    let a = input.shape, b = output.shape, name = "step \(i)"
    let inPlace = input.buffer == output.buffer
    let stream: [ElementType] = [.int8, .int16]
    var inputTypes: [ElementType] = [.int8], outputTypes: [ElementType] = [.int8]

    switch step.operation {
    case .patchEmbed(let s):
      (inputTypes, outputTypes) = ([.pictureRGB], stream)
      try require((1...64).contains(s.patch), name, "a patch of 1 ... 64", "\(s.patch)")
      try require(
        b.height * s.patch == a.height && b.width * s.patch == a.width, name,
        "\(b) patches of \(s.patch)", "a picture of \(a)")
      try require(!inPlace, name, "separate input and output", "one buffer")
      try check(s.matrix, k: 3 * s.patch * s.patch, n: b.channels, name)
      try check(s.norm, channels: b.channels, name)
      try require(
        output.type != .int16 || s.norm.outputZeroPoint == 0, name, "a zero point of 0 in int16",
        "\(s.norm.outputZeroPoint)")

    case .pointwise(let s):
      (inputTypes, outputTypes) = (stream, stream)
      try check(s.narrowing, of: input, name)
      try require(
        a.height == b.height && a.width == b.width, name, "\(b) positions", "\(a)")
      try require(!inPlace, name, "separate input and output", "one buffer")
      try check(s.matrix, k: a.channels, n: b.channels, name)
      if let residual = s.residual {
        let r = contents.tensors[residual]
        try require(
          r.shape == b && r.type == output.type, name, "a residual of \(b) and the output's type",
          "\(r.shape)")
        try checkResidual(s.residualMultiplier, name)
      }

    case .depthwise(let s):
      try require(a == b, name, "an output of \(a)", "\(b)")
      try checkKernel(s.kernel, name)
      try check(
        s.filter, k: Depthwise.paddedTaps(s.kernel), rowsOfTaps: s.kernel, n: a.channels, name)
      if let multiplier = s.residualMultiplier { try checkResidual(multiplier, name) }

    case .dynamicDepthwise(let s):
      try require(a == b, name, "an output of \(a)", "\(b)")
      try checkKernel(s.kernel, name)
      try checkMean(s.meanMultiplier, over: a, name)
      try check(s.squeeze, k: a.channels, n: s.expand.k, name)
      try checkFloats(s.squeezeBiasOffset, count: s.squeeze.n, name)
      let columns = DynamicDepthwise.columns(kernel: s.kernel, channels: a.channels)
      try check(s.expand, k: s.squeeze.n, n: columns, name)
      try checkFloats(s.expandBiasOffset, count: columns, name)
      try checkFloats(s.biasOffset, count: Shape.blocks(a.channels) * Shape.block, name)

    case .inhomogeneousDepthwise(let s):
      try require(a == b, name, "an output of \(a)", "\(b)")
      try checkKernel(s.kernel, name)
      try require(
        s.groups >= 1 && a.channels % s.groups == 0, name, "groups that divide \(a)", "\(s.groups)")
      try check(s.squeeze, k: a.channels, n: s.expand.k, name)
      let columns = InhomogeneousDepthwise.columns(kernel: s.kernel, groups: s.groups)
      try check(s.expand, k: s.squeeze.n, n: columns, name)
      let padded = Shape.blocks(a.channels) * Shape.block
      try checkFloats(s.multiplierOffset, count: padded, within: 0.5, name)
      try checkFloats(s.biasOffset, count: padded, within: PlanLimits.outputBias, name)

    case .mlp(let s):
      (inputTypes, outputTypes) = (stream, [input.type])
      try require(a == b, name, "an output of \(a)", "\(b)")
      if let norm = s.norm {
        try check(norm, channels: a.channels, name)
      } else {
        try check(s.narrowing, of: input, name)
      }
      try check(s.expand, k: a.channels, n: s.project.k, name)
      try check(s.project, k: s.expand.n, n: a.channels, name)
      try requireConstants(s.tableOffset, 256, name)
      try checkResidual(s.residualMultiplier, name)

    case .patchMerge(let s):
      (inputTypes, outputTypes) = (stream, stream)
      try require(
        b.height * 2 == a.height && b.width * 2 == a.width, name, "half of \(a)", "\(b)")
      try require(!inPlace, name, "separate input and output", "one buffer")
      try check(s.norm, channels: 4 * a.channels, name)
      try check(s.matrix, k: 4 * a.channels, n: b.channels, name)

    case .head(let s):
      (inputTypes, outputTypes) = (stream, [.float32])
      try require(b.positions == 1, name, "one position of logits", "\(b)")
      try require(!inPlace, name, "separate input and output", "one buffer")
      try check(s.norm, channels: a.channels, name)
      try check(s.matrix, k: a.channels, n: b.channels, name)
      try checkMean(s.meanMultiplier, over: a, name)
      try checkFloats(s.biasOffset, count: b.channels, name)

    case .windowAttention(let s):
      (inputTypes, outputTypes) = (stream, [input.type])
      try require(a == b, name, "an output of \(a)", "\(b)")
      try check(s, of: a, name)

    case .mapAttention(let s):
      (inputTypes, outputTypes) = (stream, [input.type])
      try require(a == b, name, "an output of \(a)", "\(b)")
      try check(s, of: a, name)

    case .depthwiseAttention(let s):
      (inputTypes, outputTypes) = (stream, [input.type])
      try require(a == b, name, "an output of \(a)", "\(b)")
      try check(s, of: a, name)

    case .convolution(let s):
      if s.outside != nil { inputTypes = [.pictureRGB] }
      try require(!inPlace, name, "separate input and output", "one buffer")
      try check(s, from: a, to: b, name)
    }

    try require(
      inputTypes.contains(input.type), name, "another input type", "\(input.type.rawValue)")
    try require(
      outputTypes.contains(output.type), name, "another output type", "\(output.type.rawValue)")
    try require(
      (1...PlanLimits.strip).contains(step.stripRows), name,
      "strips of 1 ... \(PlanLimits.strip) positions", "\(step.stripRows)")
    let needed = step.operation.scratchBytes(
      input: input, output: output, strip: step.stripRows)
    try require(
      step.scratchBytes >= needed, name, "at least \(needed) bytes of scratch",
      "\(step.scratchBytes)")
  }

  private func checkKernel(_ kernel: Int, _ name: String) throws(PlanError) {
    try require(
      (1...PlanLimits.kernel).contains(kernel) && kernel % 2 == 1, name,
      "an odd kernel of 1 ... \(PlanLimits.kernel)", "\(kernel)")
  }

  private func checkMean(
    _ multiplier: Float, over map: Shape, _ name: String
  ) throws(PlanError) {
    // Sums over positions are int32: |q| ≤ 128, so 2²³ positions cannot overflow.
    try require(map.positions <= 1 << 23, name, "at most 2^23 positions", "\(map)")
    try require(
      multiplier >= 0 && multiplier <= 0.5, name, "a mean multiplier of 0 ... 0.5", "other")
  }

  private func check(
    _ s: Convolution, from a: Shape, to b: Shape, _ name: String
  ) throws(PlanError) {
    try checkKernel(s.kernel, name)
    try require(
      (1...PlanLimits.kernel).contains(s.stride), name, "a stride of 1 ... \(PlanLimits.kernel)",
      "\(s.stride)")
    try require(
      b.height == Convolution.edge(a.height, stride: s.stride)
        && b.width == Convolution.edge(a.width, stride: s.stride),
      name, "the positions of \(a) at a stride of \(s.stride)", "\(b)")
    let channels = s.outside?.count ?? a.channels
    try check(s.matrix, k: s.kernel * s.kernel * channels, n: b.channels, name)
    if let offset = s.tableOffset { try requireConstants(offset, 256, name) }
  }

  private func check(_ s: MapAttention, of map: Shape, _ name: String) throws(PlanError) {
    try checkHeads(s.heads, of: map, name)
    if let dilations = s.dilations {
      try require(
        dilations >= 1 && s.heads % dilations == 0, name, "groups that divide \(s.heads) heads",
        "\(dilations)")
    } else {
      try require(
        map.positions <= MapAttention.maximumPositions, name,
        "at most \(MapAttention.maximumPositions) positions", "\(map)")
    }
    try checkProjections(
      s.norm, s.qkv, s.project, attendedZeroPoint: s.attendedZeroPoint, of: map, name)
    try checkScores([s.scoreMultiplier, s.attendedMultiplier], name)
    try checkResidual(s.residualMultiplier, name)
  }

  private func check(
    _ s: DepthwiseAttention, of map: Shape, _ name: String
  ) throws(PlanError) {
    try checkKernel(s.kernel, name)
    // Every part of the product starts at a whole block, so that blocks can be read as they are.
    try checkProjections(
      s.norm, s.qkv, s.project, attendedZeroPoint: s.attendedZeroPoint, of: map,
      partChannels: map.pitch, name)
    try requireConstants(s.biasOffset, s.kernel * s.kernel * map.pitch * 2, name)
    switch s.weighting {
    case .softmax(let scores, let attended):
      for offset in [scores, attended] {
        try checkFloats(offset, count: map.pitch, 0...PlanLimits.attention, name)
      }
    case .layerNorm(let gamma, let beta, let epsilon):
      for offset in [gamma, beta] {
        try checkFloats(offset, count: map.pitch, within: PlanLimits.outputBias, name)
      }
      try checkFloats(
        epsilon, count: map.pitch, PlanLimits.leastEpsilon ... .greatestFiniteMagnitude, name)
    }
    try checkResidual(s.residualMultiplier, name)
  }

  private func checkHeads(_ heads: Int, of map: Shape, _ name: String) throws(PlanError) {
    try require(
      heads >= 1 && map.channels % heads == 0, name, "heads that divide \(map)", "\(heads)")
  }

  /// What surrounds an attention.
  private func checkProjections(
    _ norm: LayerNorm, _ qkv: PackedMatrix, _ project: PackedMatrix, attendedZeroPoint: Int,
    of map: Shape, partChannels: Int? = nil, _ name: String
  ) throws(PlanError) {
    try check(norm, channels: map.channels, name)
    try check(qkv, k: map.channels, n: 3 * (partChannels ?? map.channels), name)
    try check(project, k: map.channels, n: map.channels, name)
    try require(
      qkv.outputZeroPoint == 0 && (-128...127).contains(attendedZeroPoint), name,
      "queries, keys and values around 0, and a zero point in −128 ... 127", "others")
  }

  private func checkScores(_ multipliers: [Float], _ name: String) throws(PlanError) {
    for multiplier in multipliers {
      try require(
        multiplier >= 0 && multiplier <= PlanLimits.attention, name,
        "multipliers of attention of 0 ... \(PlanLimits.attention)", "another")
    }
  }

  private func check(_ s: WindowAttention, of map: Shape, _ name: String) throws(PlanError) {
    // At most 22² = 484 positions, so that 484 · 32767 · 128, the greatest sum of values, fits int32.
    try require(
      (1...WindowAttention.maximumWindow).contains(s.window), name,
      "windows of at most \(WindowAttention.maximumWindow)", "\(s.window)")
    try require(s.shift < s.window, name, "a shift of less than a window", "\(s.shift)")
    try checkHeads(s.heads, of: map, name)
    try checkProjections(
      s.norm, s.qkv, s.project, attendedZeroPoint: s.attendedZeroPoint, of: map, name)
    try checkScores([s.scoreMultiplier, s.attendedMultiplier], name)
    try checkResidual(s.residualMultiplier, name)
    if let keyNorm = s.keyNorm {
      for offset in [keyNorm.gammaOffset, keyNorm.betaOffset] {
        try checkFloats(offset, count: s.heads, within: PlanLimits.outputBias, name)
      }
      try checkEpsilon(keyNorm.epsilon, name)
    }
    guard let offset = s.biasOffset else { return }
    try requireConstants(offset, s.biasCount * 4, name)
    for i in 0..<s.biasCount {
      let bias = constants.loadUnaligned(fromByteOffset: offset + 4 * i, as: Int32.self)
      try require(
        (-PlanLimits.score...PlanLimits.score).contains(bias), name,
        "position biases within ±\(PlanLimits.score)", "\(bias)")
    }
  }

  private func checkResidual(_ multiplier: Float, _ name: String) throws(PlanError) {
    try require(
      multiplier >= 0 && multiplier <= PlanLimits.residual, name,
      "a residual multiplier of 0 ... \(PlanLimits.residual)", "other")
  }

  private func check(
    _ narrowing: Narrowing?, of input: Tensor, _ name: String
  ) throws(PlanError) {
    guard let narrowing else {
      return try require(input.type != .int16, name, "a narrowing of the int16 input", "none")
    }
    try require(input.type == .int16, name, "an int16 input to narrow", "another type")
    try require(
      narrowing.multiplier >= 0 && narrowing.multiplier <= PlanLimits.residual
        && (-128...127).contains(narrowing.zeroPoint),
      name, "a narrowing by 0 ... \(PlanLimits.residual) to a zero point in −128 ... 127", "other")
  }

  // MARK: Constants

  private func requireConstants(
    _ offset: Int, _ bytes: Int, _ name: String
  ) throws(PlanError) {
    try require(
      offset % 64 == 0 && offset <= constants.count && bytes <= constants.count - offset, name,
      "\(bytes) constants at a multiple of 64 below \(constants.count)", "offset \(offset)")
  }

  private func checkFloats(
    _ offset: Int, count: Int, within limit: Float = .greatestFiniteMagnitude, _ name: String
  ) throws(PlanError) {
    try checkFloats(offset, count: count, -limit...limit, name)
  }

  private func checkFloats(
    _ offset: Int, count: Int, _ range: ClosedRange<Float>, _ name: String
  ) throws(PlanError) {
    try requireConstants(offset, count * 4, name)
    for i in 0..<count {
      let value = constants.loadUnaligned(fromByteOffset: offset + 4 * i, as: Float.self)
      try require(
        range.contains(value), name,
        range.lowerBound == -.greatestFiniteMagnitude
          ? "finite constants" : "constants within \(range.lowerBound) ... \(range.upperBound)",
        "another at offset \(offset + 4 * i)")
    }
  }

  private func checkEpsilon(_ epsilon: Float, _ name: String) throws(PlanError) {
    try require(
      epsilon >= PlanLimits.leastEpsilon && epsilon.isFinite, name, "an epsilon of at least 2^-40",
      "less or not finite")
  }

  private func check(_ norm: LayerNorm, channels: Int, _ name: String) throws(PlanError) {
    try require(
      norm.channels == channels && channels <= PlanLimits.channels, name,
      "LayerNorm over \(channels)", "\(norm.channels)")
    let padded = Shape.blocks(channels) * Shape.block
    for offset in [norm.gammaOffset, norm.betaOffset] {
      try checkFloats(offset, count: padded, name)
      for c in channels..<padded {
        let padding = constants.loadUnaligned(fromByteOffset: offset + 4 * c, as: Float.self)
        try require(padding == 0, name, "zeros behind the LayerNorm's constants", "another value")
      }
    }
    try checkEpsilon(norm.epsilon, name)
    try require(
      (-128...127).contains(norm.outputZeroPoint), name, "a zero point in −128 ... 127",
      "\(norm.outputZeroPoint)")
  }

  /// - Parameter rowsOfTaps: For a depth-wise filter, its edge; nil for a matrix.
  private func check(
    _ matrix: PackedMatrix, k: Int, rowsOfTaps: Int? = nil, n: Int, _ name: String
  ) throws(PlanError) {
    try require(
      matrix.k == k && matrix.n == n && (1...PlanLimits.k).contains(k)
        && (1...PlanLimits.columns).contains(n),
      name, "a matrix of \(k) by \(n)", "\(matrix.k) by \(matrix.n)")
    try require(
      (-128...127).contains(matrix.outputZeroPoint) && (-128...127).contains(matrix.lowerBound),
      name, "zero point and lower bound in −128 ... 127", "others")
    try requireConstants(matrix.offset, matrix.byteCount, name)
    guard let base = constants.baseAddress else { return }
    for panel in 0..<matrix.panelCount {
      let address = base + matrix.offset + panel * matrix.panelBytes
      try require(
        lvt_panel_is_valid(
          address.assumingMemoryBound(to: lvt_panel.self), rowsOfTaps ?? 1, rowsOfTaps ?? k,
          n - panel * Shape.block),
        name, "weights, sums and multipliers within their ranges, and zeros in all that pads",
        "others in panel \(panel)")
    }
  }
}
