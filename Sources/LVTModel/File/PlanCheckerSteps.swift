// SPDX-License-Identifier: Apache-2.0

/// What each kind of step asks of its tensors and its fields.
extension PlanChecker {
  func checkStep(_ i: Int, _ step: Step) throws(PlanError) {
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
      try check(
        s.squeeze, k: a.channels, n: s.expand.k, multiplier: PlanLimits.wideMultiplier, name)
      try checkFloats(
        s.squeezeBiasOffset, count: s.squeeze.n, within: PlanLimits.wideBias, name)
      let columns = DynamicDepthwise.columns(kernel: s.kernel, channels: a.channels)
      try check(s.expand, k: s.squeeze.n, n: columns, multiplier: PlanLimits.wideMultiplier, name)
      try checkFloats(s.expandBiasOffset, count: columns, within: PlanLimits.wideBias, name)
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
        b.height == (a.height + 1) / 2 && b.width == (a.width + 1) / 2, name, "half of \(a)",
        "\(b)")
      try require(!inPlace, name, "separate input and output", "one buffer")
      try check(s.norm, channels: 4 * a.channels, name)
      try check(s.matrix, k: 4 * a.channels, n: b.channels, name)

    case .head(let s):
      (inputTypes, outputTypes) = (stream, [.float32])
      try require(b.positions == 1, name, "one position of logits", "\(b)")
      try require(!inPlace, name, "separate input and output", "one buffer")
      try check(s.norm, channels: a.channels, name)
      try check(
        s.matrix, k: a.channels, n: b.channels, multiplier: PlanLimits.wideMultiplier, name)
      try checkMean(
        s.poolingMultiplier, over: a,
        limit: s.pooling == .mean ? PlanLimits.multiplier : PlanLimits.residual, name)
      try checkFloats(s.biasOffset, count: b.channels, within: PlanLimits.wideBias, name)

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
      step.scratchBytes == needed, name, "\(needed) bytes of scratch",
      "\(step.scratchBytes)")
  }

  private func checkKernel(_ kernel: Int, _ name: String) throws(PlanError) {
    try require(
      (1...PlanLimits.kernel).contains(kernel) && kernel % 2 == 1, name,
      "an odd kernel of 1 ... \(PlanLimits.kernel)", "\(kernel)")
  }

  private func checkMean(
    _ multiplier: Float, over map: Shape, limit: Float = PlanLimits.multiplier, _ name: String
  ) throws(PlanError) {
    // Sums over positions are int32: |q| ≤ 128, so 2²³ positions cannot overflow.
    try require(map.positions <= 1 << 23, name, "at most 2^23 positions", "\(map)")
    try require(
      multiplier >= 0 && multiplier <= limit, name, "a mean multiplier of 0 ... \(limit)", "other")
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
    try require(
      s.shift.rows < s.window && s.shift.columns < s.window, name, "a shift of less than a window",
      "\(s.shift.rows) rows and \(s.shift.columns) columns")
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
}
