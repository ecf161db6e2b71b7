// SPDX-License-Identifier: Apache-2.0

/// What a two-stage detector says of regions: of each, logits of its classes and offsets that move it.
///
/// A region's cells go through convolutions with ReLU, then all of them as one row through products with ReLU,
/// and a last product. Regions are worked on in strips, so no map of the cells of all regions exists, and no work
/// is done for regions that there are not. TwoStageDetectors.md has the arithmetic.
///
/// The inputs are the levels and the regions, as ``Proposals`` makes them. The result has a position for each
/// region, with float32 logits and behind them offsets; behind the last region all are 0.
public struct BoxHead: Equatable, Sendable {
  /// How regions become cells.
  public var align = RegionAlign()
  /// K of the convolutions, odd.
  public var kernel = 1
  /// Convolutions of cells, each with ReLU.
  public var convolutions: [PackedMatrix] = []
  /// Products of rows, each with ReLU, at least one; the first reads the cells one behind the other, each with
  /// its channels' padding.
  public var products: [PackedMatrix] = []
  /// The last product.
  ///
  /// Multipliers turn its sums into real numbers.
  public var output = PackedMatrix()

  /// Zeros, to be filled.
  public init() {}
}

extension BoxHead: StepOperation {
  static let code: UInt32 = 20
  var name: String { "boxHead" }
  var meaning: Meaning { .readings }
  func meaning(ofInput index: Int) -> Meaning {
    index == align.strides.count ? .regions : .values
  }
  var inputTypes: [ElementTypes] { align.inputTypes + [.float32] }
  var matrices: [PackedMatrix] { convolutions + products + [output] }
  var kernels: [String] {
    ["region_row_s8"] + (convolutions.isEmpty ? [] : ["pixels_s8"]) + ["gemm_s8"]
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.code(&align)
    try c.index(&kernel)
    try c.list(&convolutions, "convolutions of regions", limit: PlanLimits.tower)
    try c.list(&products, "products of regions", limit: PlanLimits.tower)
    try c.code(&output)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    OutputForm(Shape(height: 1, width: c.regions.width, channels: output.n), .float32)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try align.check(c)
    try c.checkKernel(kernel)
    var channels = c.input.shape.channels
    try c.check(convolutions, kernel: kernel, channels: &channels)
    try c.require(!products.isEmpty, "at least one product of regions", "none")
    var k = align.cells * Shape.blocks(channels) * Shape.block
    for matrix in products {
      try c.check(matrix, k: k, n: matrix.n)
      k = matrix.n
    }
    try c.check(output, k: k, n: output.n, multiplier: PlanLimits.offset)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      BoxHeadScratch(self, regions: operands.output.shape.width, strip: strip) {
        operands.inputs[$0].shape
      }.byteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    let regions = Count(c.output.width)
    if c.isPadded { work.add(align.values(c, regions: regions), to: .values) }
    var channels = c.input.channels
    for matrix in convolutions {
      c.add(
        matrix, kernel: kernel, channels: channels, positions: regions * Count(align.cells),
        to: &work)
      channels = matrix.n
    }
    if c.isPadded {
      c.add(products + [output], positions: regions, to: &work)
    } else if let first = products.first {
      c.add(first, kernel: align.side, channels: channels, positions: regions, to: &work)
      c.add(products.dropFirst() + [output], positions: regions, to: &work)
    }
    return work
  }
}

extension StepContext {
  /// The last input, which has regions or boxes.
  var regions: Shape { inputs[inputs.count - 1].shape }

  /// Convolutions of the cells of a region, which make so many channels of those.
  func check(
    _ convolutions: [PackedMatrix], kernel: Int, channels: inout Int
  ) throws(PlanError) {
    for matrix in convolutions {
      try check(matrix, kernel: kernel, channels: channels, n: matrix.n)
      try require(
        matrix.n <= PlanLimits.channels(of: .int8), "at most 16384 channels", "\(matrix.n)")
      channels = matrix.n
    }
  }
}

/// What is between levels and what is said of regions.
public struct BoxHeadScratch: Sendable {
  /// Of one region.
  public let region: RegionScratch
  /// The most regions of a strip.
  public let stripRows: Int
  /// Bytes from one region's cells to the next one's, and from one row of a product to the next; sums of a
  /// region.
  public let cellsPitch, hiddenPitch, sumsPitch: Int
  /// Offsets of the cells of a strip, of sums, and of the products' scratch.
  public let cells, sums, product: Int
  /// Offsets of the rows that two products make.
  public let hidden: (Int, Int)
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose levels have these shapes.
  public init(_ step: BoxHead, regions: Int, strip: Int, level: (Int) -> Shape) {
    var cursor = ScratchCursor()
    region = RegionScratch(
      step.align, level: level, kernel: step.kernel, heads: 1,
      convolutions: { _ in step.convolutions }, &cursor)
    stripRows = min(regions, strip)
    let widest = step.products.reduce(0) { max($0, $1.panelCount) }
    cellsPitch = step.products.first?.k ?? 0
    hiddenPitch = widest * Shape.block
    sumsPitch = step.output.panelCount * Shape.block
    cells = cursor.reserve(stripRows * cellsPitch)
    hidden = (
      cursor.reserve(stripRows * hiddenPitch), cursor.reserve(stripRows * hiddenPitch)
    )
    sums = cursor.reserve(stripRows * sumsPitch * 4)
    let longest = step.products.reduce(step.output.k) { max($0, $1.k) }
    product = cursor.reserve(
      max(region.productBytes, ScratchCursor.product(rows: stripRows, k: longest)))
    byteCount = cursor.byteCount
  }
}
