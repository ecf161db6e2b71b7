// SPDX-License-Identifier: Apache-2.0

/// The RGB picture cut into square patches, each one a row of a matrix product, then LayerNorm.
///
/// Mean and deviation of the pixels are folded into the weights; the sums between the two are
/// int16.
public struct PatchEmbed: Equatable, Sendable {
  /// Edge of a patch in pixels.
  public var patch = 0
  /// Rows of 3 · patch values in the order column, colour, each filled to a multiple of 4: see
  /// ``BandLayout/k(kernel:channels:)``.
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
  var kernels: [String] { ["centre_u8", "gemm_s8", "layernorm"] }

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
    try c.check(matrix, kernel: patch, channels: 3, n: c.output.shape.channels)
    try c.check(norm, channels: c.output.shape.channels)
    try c.require(
      c.output.type != .int16 || norm.outputZeroPoint == 0, "a zero point of 0 in int16",
      "\(norm.outputZeroPoint)")
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      PatchEmbedScratch(
        self, operands.input.shape, to: operands.output.shape, strip: strip
      ).byteCount)
  }

  var division: StepDivision { .rows(kernel: patch, stride: patch, padding: 0) }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    c.add(matrix, kernel: patch, channels: c.input.channels, positions: c.positions, to: &work)
    work.add(c.positions * c.rows(matrix.k) + c.map, to: .values)
    return work
  }
}

/// The picture's rows, of which the product takes patches, its scratch and the int16 sums of one piece.
public struct PatchEmbedScratch: Sendable {
  /// The picture's rows.
  public let bandLayout: BandLayout
  /// Bytes from one position's sums to the next.
  public let sumsPitch: Int
  /// Offsets of the parts.
  public let band, product, sums: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step.
  public init(_ step: PatchEmbed, _ picture: Shape, to output: Shape, strip: Int) {
    bandLayout = BandLayout(
      kernel: step.patch, stride: step.patch, channels: picture.channels, isPadded: false,
      grid: Extent(of: picture), output: Extent(of: output), strip: strip)
    sumsPitch = step.matrix.panelCount * Shape.block * 2
    var cursor = ScratchCursor()
    band = cursor.reserve(bandLayout.byteCount)
    product = cursor.reserve(bandLayout.productBytes)
    sums = cursor.reserve(bandLayout.lines * bandLayout.columns * sumsPitch)
    byteCount = cursor.byteCount
  }
}
