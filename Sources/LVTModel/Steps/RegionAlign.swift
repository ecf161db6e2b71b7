// SPDX-License-Identifier: Apache-2.0

/// How a region of a picture becomes cells: RoIAlign of arXiv 1703.06870 on the level of a pyramid that fits
/// the region, as mmdetection's SingleRoIExtractor does it.
///
/// A cell is the mean of samples between positions of the map; their number follows from the region's size.
/// A region's level, samples and weights are computed in float32; TwoStageDetectors.md has the arithmetic.
public struct RegionAlign: Equatable, Sendable {
  /// Pixels between neighbouring positions of each level that regions are read from, the finest first.
  public var strides: [Int] = []
  /// Rows and columns of cells.
  public var side = 0
  /// Samples of a cell along each axis; 0 for one for each position that a cell is long, rounded up.
  public var samples = 0
  /// Pixels of the side of a region that is twice as large as the largest one on the first level.
  public var finestScale: Float = 56

  /// Zeros, to be filled.
  public init() {}

  /// Cells of a region.
  ///
  /// Counting is safe with any side.
  public var cells: Int { (Count(side) * Count(side)).value }
}

extension RegionAlign: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.list(&strides, "levels", limit: PlanLimits.inputs, 0) {
      (c, stride) throws(C.Failure) in try c.index(&stride)
    }
    try c.index(&side)
    try c.index(&samples)
    try c.float(&finestScale)
  }

  /// The levels are the first inputs.
  func check(_ c: StepContext) throws(PlanError) {
    try c.require(!strides.isEmpty, "at least one level", "none")
    try c.checkLevels(c.inputs.prefix(strides.count), strides: strides, anchors: 1)
    try c.require(
      (1...PlanLimits.regionSide).contains(side), "regions of 1 ... \(PlanLimits.regionSide) cells",
      "\(side)")
    try c.require(
      (0...PlanLimits.regionSide).contains(samples), "0 ... \(PlanLimits.regionSide) samples",
      "\(samples)")
    try c.require(
      finestScale > 0 && finestScale <= PlanLimits.anchorSide, "a scale of at most 65536 pixels",
      "another")
  }

  /// The types of the levels.
  var inputTypes: [ElementTypes] { strides.map { _ in .int8 } }

  /// Values that aligning so many regions makes.
  ///
  /// At worst a region has all rows and columns of the finest level, and samples beside it for the largest
  /// picture.
  func values(_ c: StepCounter, regions: Count) -> Count {
    let level = c.inputs[0], channels = c.channels(level.channels)
    let rows = Count(level.height) + 2 * Count(side), columns = Count(level.width) + 2 * Count(side)
    let finest = max(1, strides.reduce(PlanLimits.extent) { min($0, $1) })
    let samplesOfAxis =
      samples > 0 ? Count(side) * Count(samples) : Count(side) + Count(PlanLimits.extent / finest)
    return regions
      * (channels * (rows * Count(level.width) + Count(side) * columns) + 2 * samplesOfAxis)
  }
}

/// What is between levels and a region's cells, and between convolutions of the cells.
public struct RegionScratch: Sendable {
  /// Offsets of the weights of a cell, of those of rows, and where those of each row of cells are; of columns; of
  /// what rows make of a row of cells.
  public let reals, rowWeights, rows, columnWeights, columns, between: Int
  /// Offsets of a tap outside the cells, and of the band of a convolution.
  public let outside, band: Int
  /// Offsets of two maps of cells.
  public let maps: (Int, Int)
  /// What the convolutions' products need.
  let productBytes: Int

  /// Bytes of where a row or column of cells lies.
  public static let cellBytes = 16

  /// Reserves the parts.
  ///
  /// - Parameters:
  ///   - level: The shapes of the levels.
  ///   - heads: How many convolve the cells, each with `convolutions` of its own, one after another.
  init(
    _ align: RegionAlign, level: (Int) -> Shape, kernel: Int, heads: Int,
    convolutions: (_ head: Int) -> [PackedMatrix], _ cursor: inout ScratchCursor
  ) {
    let height = align.strides.indices.reduce(1) { max($0, level($1).height) }
    let width = align.strides.indices.reduce(1) { max($0, level($1).width) }
    let inputs = level(0).channels, pitch = level(0).paddedChannels, side = align.side
    reals = cursor.reserve(max(height, width) * 4)
    // Neighbouring cells share two positions at most.
    rowWeights = cursor.reserve((height + 2 * side) * 2)
    rows = cursor.reserve(side * Self.cellBytes)
    columnWeights = cursor.reserve((width + 2 * side) * 2)
    columns = cursor.reserve(side * Self.cellBytes)
    between = cursor.reserve(width * pitch * 2)
    var widest = inputs, bandBytes = 0, productBytes = 0
    for head in 0..<heads {
      var channels = inputs
      for matrix in convolutions(head) {
        let layout = Self.band(align, kernel: kernel, channels: channels)
        bandBytes = max(bandBytes, layout.byteCount)
        productBytes = max(productBytes, layout.productBytes)
        channels = matrix.n
        widest = max(widest, channels)
      }
    }
    outside = cursor.reserve(widest)
    band = cursor.reserve(bandBytes)
    self.productBytes = productBytes
    let map = align.cells * Shape.blocks(widest) * Shape.block
    maps = (cursor.reserve(map), cursor.reserve(map))
  }

  /// How a product reads the neighbourhoods of a region's cells.
  public static func band(_ align: RegionAlign, kernel: Int, channels: Int) -> BandLayout {
    let grid = Extent(height: align.side, width: align.side)
    return BandLayout(
      kernel: kernel, stride: 1, channels: channels, grid: grid, output: grid, strip: align.cells)
  }
}
