// SPDX-License-Identifier: Apache-2.0

/// LayerNorm, the mean or the maximum over positions, and a product of that as int16 to float32 logits:
/// `logit = f32(sum) · multiplier + bias`.
///
/// Without a matrix the mean or maximum itself is the result, in
/// float32: `f32(Σ (q − zeroPoint)) · poolingMultiplier`.
public struct Head: Equatable, Sendable {
  /// What becomes of a channel's positions.
  public enum Pooling: UInt32, Sendable {
    case mean = 0
    case maximum = 1
  }

  /// A product whose sums become float32.
  public struct Classifier: Equatable, Sendable {
    /// Channels × classes; the panels' own bias is zero.
    public var matrix = PackedMatrix()
    /// Byte offset of `classes` float32 biases, within ±2¹²⁰; a multiple of 64.
    public var biasOffset = 0

    /// Zeros, to be filled.
    public init() {}
  }

  /// Over the channels.
  public var norm = LayerNorm()
  /// What becomes of a channel's positions.
  public var pooling = Pooling.mean
  /// Scale of the normalised map over that of the int16 value, which is 1 without a matrix; for a mean over
  /// the number of positions too.
  public var poolingMultiplier: Float = 0
  /// The product to logits; nil for the pooled features themselves.
  public var classifier: Classifier?

  /// Zeros, to be filled.
  public init() {}
}

extension Head: StepOperation {
  static let code: UInt32 = 8
  var name: String { "head" }
  var inputTypes: [ElementTypes] { [.stream] }
  var matrices: [PackedMatrix] { classifier.map { [$0.matrix] } ?? [] }
  var kernels: [String] {
    ["layernorm", "column_sums_s8"] + (classifier == nil ? [] : ["gemm_s8"])
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.code(&norm)
    try c.choice(&pooling, "pooling", "0 or 1")
    try c.float(&poolingMultiplier)
    try c.optional(&classifier)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    OutputForm(
      Shape(height: 1, width: 1, channels: classifier?.matrix.n ?? c.input.shape.channels),
      .float32)
  }

  func check(_ c: StepContext) throws(PlanError) {
    let channels = c.input.shape.channels, outputs = c.output.shape.channels
    try c.check(norm, channels: channels)
    guard let classifier else {
      return try c.checkMean(poolingMultiplier, limit: PlanLimits.wideMultiplier)
    }
    try c.checkMean(
      poolingMultiplier, limit: pooling == .mean ? PlanLimits.multiplier : PlanLimits.residual)
    try c.check(
      classifier.matrix, k: channels, n: outputs, multiplier: PlanLimits.wideMultiplier)
    try c.checkFloats(classifier.biasOffset, count: outputs, within: PlanLimits.wideBias)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(HeadScratch(self, shape: operands.input.shape, strip: strip).byteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    c.add(matrices, positions: c.vector, to: &work)
    work.add(2 * c.inputMap, to: .values)
    return work
  }
}

extension Head.Classifier: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.code(&matrix)
    try c.offset(&biasOffset)
  }
}

/// Normalised rows of one strip, what was pooled of a strip and of all, that in two bytes, and the products
/// of both.
public struct HeadScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Offsets of the parts.
  public let normalized, stripSums, pooled, row, product, accumulators: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map.
  public init(_ step: Head, shape: Shape, strip: Int) {
    stripRows = min(shape.positions, strip)
    var cursor = ScratchCursor()
    normalized = cursor.reserve(stripRows * shape.paddedChannels)
    stripSums = cursor.reserve(shape.paddedChannels * 4)
    pooled = cursor.reserve(shape.paddedChannels * 4)
    row = cursor.reserve(2 * shape.paddedChannels)
    let matrix = step.classifier?.matrix ?? PackedMatrix()
    product = cursor.reserveProduct(rows: 2, k: matrix.k)
    accumulators = cursor.reserve(2 * matrix.panelCount * Shape.block * 4)
    byteCount = cursor.byteCount
  }
}
