// SPDX-License-Identifier: Apache-2.0

/// The mean over each of `bins` × `bins` parts of a map, which overlap where its extents do not divide:
/// part i of an axis of n has the places ⌊i · n / bins⌋ ..< ⌈(i + 1) · n / bins⌉, as PyTorch's
/// `adaptive_avg_pool2d` has them.
///
/// `q = clamp(zeroPoint + rne(f32(Σ (q_in − zeroPoint_in)) · (multiplier / f32(count))))`
public struct AdaptiveMean: Equatable, Sendable {
  /// Parts of each axis.
  public var bins = 0
  /// Scale of the input over that of the output.
  public var multiplier: Float = 0

  /// Zeros, to be filled.
  public init() {}

  /// The places of a part of an axis.
  public static func range(_ part: Int, of extent: Int, bins: Int) -> Range<Int> {
    part * extent / bins..<((part + 1) * extent + bins - 1) / bins
  }
}

extension AdaptiveMean: StepOperation {
  static let code: UInt32 = 13
  var name: String { "adaptiveMean" }
  var inputTypes: [ElementTypes] { [.int8] }
  var matrices: [PackedMatrix] { [] }
  var kernels: [String] { ["column_sums_s8"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&bins)
    try c.float(&multiplier)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    try c.require((1...64).contains(bins), "1 ... 64 parts of an axis", "\(bins)")
    return OutputForm(
      Shape(height: bins, width: bins, channels: c.input.shape.channels), .int8)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.checkMean(multiplier, limit: PlanLimits.residual)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(AdaptiveMeanScratch(operands.output.shape).byteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    // Neighbouring parts share at most a row and a column.
    work.add(2 * c.inputMap + c.map, to: .values)
    return work
  }
}

/// The sums of a row of a part, and of the part.
public struct AdaptiveMeanScratch: Sendable {
  /// Offsets of the parts.
  public let rowSums, sums: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose output has this shape.
  public init(_ shape: Shape) {
    var cursor = ScratchCursor()
    rowSums = cursor.reserve(shape.paddedChannels * 4)
    sums = cursor.reserve(shape.paddedChannels * 4)
    byteCount = cursor.byteCount
  }
}
