// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// A step's operands and the plan's constants, and what operations ask of them.
struct StepContext {
  /// `step 3`, for errors.
  let name: String
  let inputs: [Tensor]
  let output: Tensor
  let constants: UnsafeRawBufferPointer

  /// The first input.
  var input: Tensor { inputs[0] }
  /// Channels of all inputs.
  var channels: Int { inputs.reduce(0) { $0 + $1.shape.channels } }

  func require(
    _ condition: Bool, _ expected: @autoclosure () -> String, _ found: @autoclosure () -> String
  ) throws(PlanError) {
    if !condition { throw .invalid(where: name, expected: expected(), found: found()) }
  }

  // MARK: Constants

  func requireConstants(_ offset: Int, _ bytes: Int) throws(PlanError) {
    try require(
      offset % 64 == 0 && offset <= constants.count && bytes <= constants.count - offset,
      "\(bytes) constants at a multiple of 64 below \(constants.count)", "offset \(offset)")
  }

  func checkFloats(
    _ offset: Int, count: Int, within limit: Float = .greatestFiniteMagnitude
  ) throws(PlanError) {
    try checkFloats(offset, count: count, -limit...limit)
  }

  func checkFloats(
    _ offset: Int, count: Int, _ range: ClosedRange<Float>
  ) throws(PlanError) {
    try requireConstants(offset, count * 4)
    for i in 0..<count {
      let value = constants.loadUnaligned(fromByteOffset: offset + 4 * i, as: Float.self)
      try require(
        range.contains(value),
        range.lowerBound == -.greatestFiniteMagnitude
          ? "finite constants" : "constants within \(range.lowerBound) ... \(range.upperBound)",
        "another at offset \(offset + 4 * i)")
    }
  }

  func checkEpsilon(_ epsilon: Float) throws(PlanError) {
    try require(
      epsilon >= PlanLimits.leastEpsilon && epsilon.isFinite, "an epsilon of at least 2^-40",
      "less or not finite")
  }

  func check(_ norm: LayerNorm, channels: Int) throws(PlanError) {
    try require(
      norm.channels == channels && channels <= PlanLimits.channels(of: .int8),
      "LayerNorm over \(channels)", "\(norm.channels)")
    let padded = Shape.blocks(channels) * Shape.block
    for offset in [norm.gammaOffset, norm.betaOffset] {
      try checkFloats(offset, count: padded)
      for c in channels..<padded {
        let padding = constants.loadUnaligned(fromByteOffset: offset + 4 * c, as: Float.self)
        try require(padding == 0, "zeros behind the LayerNorm's constants", "another value")
      }
    }
    try checkEpsilon(norm.epsilon)
    try checkZeroPoint(norm.outputZeroPoint)
  }

  /// A matrix on the neighbourhoods of a convolution, or on patches.
  func check(
    _ matrix: PackedMatrix, kernel: Int, channels: Int, n: Int,
    multiplier: Float = PlanLimits.multiplier
  ) throws(PlanError) {
    try check(
      matrix, k: BandLayout.k(kernel: kernel, channels: channels), n: n, multiplier: multiplier,
      segments: kernel, of: kernel * channels)
  }

  /// - Parameters:
  ///   - multiplier: The greatest multiplier of a column.
  ///   - segments: Segments of k, each filled to a multiple of 4.
  ///   - taps: What of a segment means something; nil for all of k.
  func check(
    _ matrix: PackedMatrix, k: Int, n: Int, multiplier: Float = PlanLimits.multiplier,
    segments: Int = 1, of taps: Int? = nil
  ) throws(PlanError) {
    try require(
      matrix.k == k && matrix.n == n && (1...PlanLimits.k).contains(k)
        && (1...PlanLimits.columns).contains(n),
      "a matrix of \(k) by \(n)", "\(matrix.k) by \(matrix.n)")
    try require(
      (-128...127).contains(matrix.outputZeroPoint) && (-128...127).contains(matrix.lowerBound),
      "zero point and lower bound in −128 ... 127", "others")
    try requireConstants(matrix.offset, matrix.byteCount)
    guard let base = constants.baseAddress else { return }
    for panel in 0..<matrix.panelCount {
      let address = base + matrix.offset + panel * matrix.panelBytes
      try require(
        lvt_panel_is_valid(
          address.assumingMemoryBound(to: lvt_panel.self), segments, taps ?? k,
          n - panel * Shape.block, multiplier),
        "weights, sums and multipliers within their ranges, and zeros in all that pads",
        "others in panel \(panel)")
    }
  }

  // MARK: Fields

  func checkKernel(_ kernel: Int) throws(PlanError) {
    try require(
      (1...PlanLimits.kernel).contains(kernel) && kernel % 2 == 1,
      "an odd kernel of 1 ... \(PlanLimits.kernel)", "\(kernel)")
  }

  func checkZeroPoint(_ zeroPoint: Int) throws(PlanError) {
    try require(
      (-128...127).contains(zeroPoint), "a zero point in −128 ... 127", "\(zeroPoint)")
  }

  /// The multiplier of sums over the positions of the input.
  func checkMean(_ multiplier: Float, limit: Float = PlanLimits.multiplier) throws(PlanError) {
    // Sums over positions are int32: |q| ≤ 128, so 2²³ positions cannot overflow.
    try require(
      input.shape.positions <= 1 << 23, "at most 2^23 positions", "\(input.shape)")
    try require(
      multiplier >= 0 && multiplier <= limit, "a mean multiplier of 0 ... \(limit)", "other")
  }

  func checkResidual(_ multiplier: Float) throws(PlanError) {
    try require(
      multiplier >= 0 && multiplier <= PlanLimits.residual,
      "a residual multiplier of 0 ... \(PlanLimits.residual)", "other")
  }

  /// A product reads int8: what is int16 is narrowed, and nothing else is.
  func check(_ narrowing: Narrowing?) throws(PlanError) {
    guard let narrowing else {
      return try require(input.type != .int16, "a narrowing of the int16 input", "none")
    }
    try require(input.type == .int16, "an int16 input to narrow", "another type")
    try require(
      narrowing.multiplier >= 0 && narrowing.multiplier <= PlanLimits.residual
        && (-128...127).contains(narrowing.zeroPoint),
      "a narrowing by 0 ... \(PlanLimits.residual) to a zero point in −128 ... 127", "other")
  }

  // MARK: Attention

  func checkHeads(_ heads: Int) throws(PlanError) {
    try require(
      heads >= 1 && input.shape.channels % heads == 0, "heads that divide \(input.shape)",
      "\(heads)")
  }

  func checkScores(_ multipliers: Float...) throws(PlanError) {
    for multiplier in multipliers {
      try require(
        multiplier >= 0 && multiplier <= PlanLimits.attention,
        "multipliers of attention of 0 ... \(PlanLimits.attention)", "another")
    }
  }

  /// What surrounds an attention.
  ///
  /// - Parameter partChannels: Columns of the queries, of the keys and of the values.
  func checkProjections(
    _ norm: LayerNorm, _ qkv: PackedMatrix, _ project: PackedMatrix, attendedZeroPoint: Int,
    partChannels: Int
  ) throws(PlanError) {
    let channels = input.shape.channels
    try check(norm, channels: channels)
    try check(qkv, k: channels, n: 3 * partChannels)
    try check(project, k: channels, n: channels)
    try require(
      qkv.outputZeroPoint == 0, "queries, keys and values around 0", "\(qkv.outputZeroPoint)")
    try checkZeroPoint(attendedZeroPoint)
  }
}
