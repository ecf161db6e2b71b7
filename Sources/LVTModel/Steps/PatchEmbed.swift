// SPDX-License-Identifier: Apache-2.0

/// The RGB picture cut into square patches, each one a row of a matrix product, then LayerNorm.
///
/// Mean and deviation of the pixels are folded into the weights; the sums between the two are
/// int16.
public struct PatchEmbed: Equatable, Sendable {
  /// Edge of a patch in pixels.
  public var patch = 0
  /// k = 3 · patch², in the order row, column, colour.
  public var matrix = PackedMatrix()
  /// Over the matrix's columns.
  public var norm = LayerNorm()

  /// Zeros, to be filled.
  public init() {}
}

extension PatchEmbed: StepOperation {
  static let code: UInt32 = 1
  var name: String { "patchEmbed" }
  var inputTypes: [ElementTypes] { [.picture] }
  var matrices: [PackedMatrix] { [matrix] }
  var kernels: [String] { ["patches_u8", "gemm_s8", "layernorm"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&patch)
    try c.code(&matrix)
    try c.code(&norm)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    let picture = c.input.shape
    try c.require((1...64).contains(patch), "a patch of 1 ... 64", "\(patch)")
    try c.require(
      picture.height % patch == 0 && picture.width % patch == 0, "whole patches of \(patch)",
      "a picture of \(picture)")
    return OutputForm(
      Shape(height: picture.height / patch, width: picture.width / patch, channels: matrix.n),
      .stream)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.check(matrix, k: 3 * patch * patch, n: c.output.shape.channels)
    try c.check(norm, channels: c.output.shape.channels)
    try c.require(
      c.output.type != .int16 || norm.outputZeroPoint == 0, "a zero point of 0 in int16",
      "\(norm.outputZeroPoint)")
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      PatchEmbedScratch(self, positions: operands.output.shape.positions, strip: strip).byteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    c.add([matrix], positions: c.positions, to: &work)
    work.add(c.positions * c.rows(matrix.k) + c.map, to: .values)
    return work
  }
}

/// Gathered patches, the product's scratch and the int16 sums of one strip.
public struct PatchEmbedScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Bytes from one gathered patch to the next.
  public let patchPitch: Int
  /// Offsets of the parts.
  public let patches, product, sums: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose output has `positions` positions.
  public init(_ step: PatchEmbed, positions: Int, strip: Int) {
    stripRows = min(positions, strip)
    patchPitch = Shape.blocks(step.matrix.k) * Shape.block
    var cursor = ScratchCursor()
    patches = cursor.reserve(stripRows * patchPitch)
    product = cursor.reserveProduct(rows: stripRows, k: step.matrix.k)
    sums = cursor.reserve(stripRows * step.matrix.panelCount * Shape.block * 2)
    byteCount = cursor.byteCount
  }
}
