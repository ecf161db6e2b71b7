// SPDX-License-Identifier: Apache-2.0

/// 2 × 2 positions side by side as one of 4C channels, LayerNorm, a product to the next stage's
/// width.
///
/// Gathered in the order (0,0) (1,0) (0,1) (1,1) of (row, column). Behind the end of a map of odd extent are
/// zeros, which the LayerNorm sees.
public struct PatchMerge: Equatable, Sendable {
  /// Over 4C channels.
  public var norm = LayerNorm()
  /// 4C × channels out.
  public var matrix = PackedMatrix()

  /// Zeros, to be filled.
  public init() {}
}

extension PatchMerge: StepOperation {
  static let code: UInt32 = 7
  var name: String { "patchMerge" }
  var inputTypes: [ElementTypes] { [.stream] }
  var matrices: [PackedMatrix] { [matrix] }
  var kernels: [String] { ["layernorm", "gemm_s8"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.code(&norm)
    try c.code(&matrix)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    let map = c.input.shape
    return OutputForm(
      Shape(height: (map.height + 1) / 2, width: (map.width + 1) / 2, channels: matrix.n), .stream)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.check(norm, channels: 4 * c.input.shape.channels)
    try c.check(matrix, k: 4 * c.input.shape.channels, n: c.output.shape.channels)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      PatchMergeScratch(
        self, input: operands.input.type, positions: operands.output.shape.positions, strip: strip
      ).byteCount)
  }

  var division: StepDivision { .merged }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    c.add([matrix], positions: c.positions, to: &work)
    work.add(c.positions * c.channels(norm.channels), to: .values)
    return work
  }
}

/// The gathered positions of one strip, normalised in place if they are int8, and the product's
/// scratch.
public struct PatchMergeScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Bytes from one gathered, or normalised, row to the next.
  public let gatheredPitch, normalizedPitch: Int
  /// Offsets of the parts.
  public let gathered, normalized, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose output has `positions` positions.
  public init(_ step: PatchMerge, input: ElementType, positions: Int, strip: Int) {
    stripRows = min(positions, strip)
    normalizedPitch = Shape.blocks(step.norm.channels) * Shape.block
    gatheredPitch = normalizedPitch * input.byteCount
    var cursor = ScratchCursor()
    gathered = cursor.reserve(stripRows * gatheredPitch)
    normalized = input == .int8 ? gathered : cursor.reserve(stripRows * normalizedPitch)
    product = cursor.reserveProduct(rows: stripRows, k: step.matrix.k)
    byteCount = cursor.byteCount
  }
}
