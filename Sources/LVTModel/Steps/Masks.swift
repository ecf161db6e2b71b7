// SPDX-License-Identifier: Apache-2.0

/// Which pixels of each box belong to its object: the mask head of arXiv 1703.06870.
///
/// A box's cells go through convolutions with ReLU, a product to four positions for each cell (a transposed
/// convolution of 2 × 2 with stride 2) with ReLU, and a product to logits, of which only the box's class is
/// computed. A cascade has a head for each stage, whose probabilities are averaged. Boxes are worked on one after the
/// other, so no map of all boxes exists. TwoStageDetectors.md has the arithmetic.
///
/// The inputs are the levels and the boxes, as ``Boxes`` makes them. The result has a position for each box, with
/// a float32 probability for each of its cells twice as fine, row after row; behind the last box all are 0.
public struct Masks: Equatable, Sendable {
  /// How boxes become cells.
  public var align = RegionAlign()
  /// K of the convolutions, odd.
  public var kernel = 1
  /// Classes of boxes.
  public var classes = 0
  /// One for each stage.
  public var heads: [Head] = []

  /// Zeros, to be filled.
  public init() {}

  /// What one stage's probabilities come from.
  public struct Head: Equatable, Sendable {
    /// Convolutions of cells, each with ReLU.
    public var convolutions: [PackedMatrix] = []
    /// The product to four positions, left to right and top to bottom, each with its channels' padding; with
    /// ReLU.
    public var upsample = PackedMatrix()
    /// The product to a logit for each class, or to one for all.
    ///
    /// Multipliers turn its sums into real numbers.
    public var output = PackedMatrix()

    /// Zeros, to be filled.
    public init() {}

    /// Whether all classes have the same mask.
    public var isAgnostic: Bool { output.n == 1 }
  }

  /// Rows and columns of a mask.
  public var side: Int { 2 * align.side }
}

extension Masks: StepOperation {
  static let code: UInt32 = 23
  var name: String { "masks" }
  var meaning: Meaning { .masks }
  func meaning(ofInput index: Int) -> Meaning {
    index == align.strides.count ? .objects : .values
  }
  var inputTypes: [ElementTypes] { align.inputTypes + [.float32] }
  var matrices: [PackedMatrix] {
    heads.flatMap { $0.convolutions + [$0.upsample, $0.output] }
  }
  var kernels: [String] {
    ["region_row_s8"] + (heads.allSatisfy { $0.convolutions.isEmpty } ? [] : ["pixels_s8"])
      + ["gemm_s8"]
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.code(&align)
    try c.index(&kernel)
    try c.index(&classes)
    try c.list(&heads, "mask heads", limit: PlanLimits.inputs)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    try c.require(
      (1...PlanLimits.regionSide).contains(align.side),
      "regions of 1 ... \(PlanLimits.regionSide) cells", "\(align.side)")
    return OutputForm(
      Shape(height: 1, width: c.regions.width, channels: side * side), .float32)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try align.check(c)
    try c.checkKernel(kernel)
    try c.require(
      (1...PlanLimits.classesOfBoxes).contains(classes),
      "1 ... \(PlanLimits.classesOfBoxes) classes", "\(classes)")
    try c.require(!heads.isEmpty, "at least one mask head", "none")
    for head in heads {
      var channels = c.input.shape.channels
      try c.check(head.convolutions, kernel: kernel, channels: &channels)
      try c.check(head.upsample, k: channels, n: head.upsample.n)
      try c.require(
        head.upsample.n % (4 * Shape.block) == 0, "four positions of whole blocks",
        "\(head.upsample.n) columns")
      try c.require(
        head.output.k <= head.upsample.n / 4, "at most \(head.upsample.n / 4) channels",
        "\(head.output.k)")
      try c.check(
        head.output, k: head.output.k, n: head.isAgnostic ? 1 : classes,
        multiplier: PlanLimits.offset)
    }
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(MasksScratch(self) { operands.inputs[$0].shape }.byteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    let cells = Count(c.output.width) * Count(align.cells)
    if c.isPadded { work.add(align.values(c, regions: Count(c.output.width)), to: .values) }
    for head in heads {
      var channels = c.input.channels
      for matrix in head.convolutions {
        c.add(matrix, kernel: kernel, channels: channels, positions: cells, to: &work)
        channels = matrix.n
      }
      c.add([head.upsample], positions: cells, to: &work)
      var ofClass = head.output
      ofClass.n = c.isPadded ? min(ofClass.n, Shape.block) : 1
      c.add([ofClass], positions: 4 * cells, to: &work)
    }
    return work
  }
}

extension Masks.Head: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.list(&convolutions, "convolutions of regions", limit: PlanLimits.tower)
    try c.code(&upsample)
    try c.code(&output)
  }
}

/// What is between levels and the mask of a box.
public struct MasksScratch: Sendable {
  /// Of a box's cells.
  public let region: RegionScratch
  /// Offsets of a box's cells, which every stage reads; of the finer cells, of their sums, and of the products'
  /// scratch.
  public let cells, upsampled, sums, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose levels have these shapes.
  public init(_ step: Masks, level: (Int) -> Shape) {
    let count = step.align.cells
    var cursor = ScratchCursor()
    region = RegionScratch(
      step.align, level: level, kernel: step.kernel, heads: step.heads.count,
      convolutions: { step.heads[$0].convolutions }, &cursor)
    cells = cursor.reserve(count * level(0).paddedChannels)
    let widest = step.heads.reduce(0) { max($0, $1.upsample.panelCount) } * Shape.block
    upsampled = cursor.reserve(count * widest)
    sums = cursor.reserve(4 * count * Shape.block * 4)
    var productBytes = region.productBytes
    for head in step.heads {
      productBytes = max(
        productBytes, ScratchCursor.product(rows: count, k: head.upsample.k),
        ScratchCursor.product(rows: 4 * count, k: head.output.k))
    }
    product = cursor.reserve(productBytes)
    byteCount = cursor.byteCount
  }
}
