// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// What the steps point to in the constants section.
extension PlanChecker {
  func requireConstants(
    _ offset: Int, _ bytes: Int, _ name: String
  ) throws(PlanError) {
    try require(
      offset % 64 == 0 && offset <= constants.count && bytes <= constants.count - offset, name,
      "\(bytes) constants at a multiple of 64 below \(constants.count)", "offset \(offset)")
  }

  func checkFloats(
    _ offset: Int, count: Int, within limit: Float = .greatestFiniteMagnitude, _ name: String
  ) throws(PlanError) {
    try checkFloats(offset, count: count, -limit...limit, name)
  }

  func checkFloats(
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

  func checkEpsilon(_ epsilon: Float, _ name: String) throws(PlanError) {
    try require(
      epsilon >= PlanLimits.leastEpsilon && epsilon.isFinite, name, "an epsilon of at least 2^-40",
      "less or not finite")
  }

  func check(_ norm: LayerNorm, channels: Int, _ name: String) throws(PlanError) {
    try require(
      norm.channels == channels && channels <= PlanLimits.channels(of: .int8), name,
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

  /// - Parameters:
  ///   - rowsOfTaps: For a depth-wise filter, its edge; nil for a matrix.
  ///   - multiplier: The greatest multiplier of a column.
  func check(
    _ matrix: PackedMatrix, k: Int, rowsOfTaps: Int? = nil, n: Int,
    multiplier: Float = PlanLimits.multiplier, _ name: String
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
          n - panel * Shape.block, multiplier),
        name, "weights, sums and multipliers within their ranges, and zeros in all that pads",
        "others in panel \(panel)")
    }
  }
}
