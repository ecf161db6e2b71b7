// SPDX-License-Identifier: Apache-2.0

/// A product at every position, with a second input added if there is one.
public struct Pointwise: Equatable, Sendable {
  /// For an int16 input.
  public var narrowing: Narrowing?
  /// Channels in × channels out.
  public var matrix = PackedMatrix()
  /// Scale of the residual, the second input, over that of the output; nil if nothing is added.
  ///
  /// The residual has the output's extents and type, and the output may overwrite it.
  public var residualMultiplier: Float?

  /// Zeros, to be filled.
  public init() {}
}

extension Pointwise: StepOperation {
  static let code: UInt32 = 2
  var name: String { "pointwise" }
  var inputTypes: [ElementTypes] { residualMultiplier == nil ? [.stream] : [.stream, .stream] }
  var mayOverwrite: InputSet { .second }
  var matrices: [PackedMatrix] { [matrix] }
  var kernels: [String] { ["gemm_s8"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.optional(&narrowing)
    try c.code(&matrix)
    try c.optional(&residualMultiplier)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    var shape = c.input.shape
    shape.channels = matrix.n
    return OutputForm(shape, .stream)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.check(narrowing)
    try c.check(matrix, k: c.input.shape.channels, n: c.output.shape.channels)
    guard let residualMultiplier else { return }
    let residual = c.inputs[1]
    try c.require(
      residual.shape == c.output.shape && residual.type == c.output.type,
      "a residual of \(c.output.shape) and the output's type", "\(residual.shape)")
    try c.checkResidual(residualMultiplier)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      PointwiseScratch(self, positions: operands.output.shape.positions, strip: strip).byteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    c.add([matrix], positions: c.positions, to: &work)
    if narrowing != nil { work.add(c.positions * c.channels(matrix.k), to: .values) }
    return work
  }
}

/// The narrowed rows of one strip if there are any, and the product's scratch.
public struct PointwiseScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Bytes from one narrowed row to the next.
  public let narrowedPitch: Int
  /// Offsets of the parts.
  public let narrowed, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over `positions` positions.
  public init(_ step: Pointwise, positions: Int, strip: Int) {
    stripRows = min(positions, strip)
    narrowedPitch = Shape.blocks(step.matrix.k) * Shape.block
    var cursor = ScratchCursor()
    narrowed = cursor.reserve(step.narrowing == nil ? 0 : stripRows * narrowedPitch)
    product = cursor.reserveProduct(rows: stripRows, k: step.matrix.k)
    byteCount = cursor.byteCount
  }
}
