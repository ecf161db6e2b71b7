// SPDX-License-Identifier: Apache-2.0

/// The regions of a picture in which objects may be: the region proposal network of arXiv 1506.01497 over the
/// levels of a pyramid.
///
/// A convolution with ReLU, then products to a logit and four offsets for each anchor; the weights are the same
/// for all levels, so the levels share one quantization. Neither what the convolution makes nor the logits exist
/// as maps: they are looked at piece by piece, and of each level the best anchors' boxes are kept.
/// TwoStageDetectors.md has the arithmetic.
///
/// The result has one position for each region, best first, each with five floats: left, top, right and bottom
/// edge in pixels of the input, score. Behind the last region all are 0.
public struct Proposals: Equatable, Sendable {
  /// Pixels of the input, outside which no region reaches.
  public var picture = Extent()
  /// Pixels between neighbouring positions of each level.
  public var strides: [Int] = []
  /// The anchors of a position.
  public var anchors: [Detect.Anchor] = []
  /// How offsets move anchors.
  public var coder = BoxCoder()
  /// Of each level so many anchors are looked at, those with the greatest logits.
  public var anchorsOfLevel = 1000
  /// A region is dropped whose intersection over union with a better one of its level is greater.
  public var overlap: Float = 0.7
  /// The most regions of a picture.
  public var regions = 100
  /// K of the convolution, odd.
  public var kernel = 0
  /// The convolution, with ReLU.
  public var convolution = PackedMatrix()
  /// The product to a logit for each anchor, and behind those to four offsets for each anchor.
  ///
  /// Multipliers turn its sums into real numbers.
  public var output = PackedMatrix()

  /// Zeros, to be filled.
  public init() {}

  /// Values of a region in the result.
  public static let regionValues = 5

  /// The most levels, as many as a step has inputs.
  public static var mostLevels: Int { PlanLimits.inputs }
}

extension Proposals: StepOperation {
  static let code: UInt32 = 19
  var name: String { "proposals" }
  var meaning: Meaning { .regions }
  var inputTypes: [ElementTypes] { strides.map { _ in .int8 } }
  var matrices: [PackedMatrix] { [convolution, output] }
  var kernels: [String] { ["pixels_s8", "gemm_s8"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.code(&picture)
    try c.list(&strides, "levels", limit: PlanLimits.inputs, 0) {
      (c, stride) throws(C.Failure) in try c.index(&stride)
    }
    try c.list(&anchors, "anchors", limit: PlanLimits.anchors)
    try c.code(&coder)
    try c.index(&anchorsOfLevel)
    try c.float(&overlap)
    try c.index(&regions)
    try c.index(&kernel)
    try c.code(&convolution)
    try c.code(&output)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    OutputForm(Shape(height: 1, width: regions, channels: Proposals.regionValues), .float32)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.checkPicture(picture)
    try c.checkAnchors(anchors)
    try coder.check(c)
    try c.require(
      (1...PlanLimits.candidates).contains(anchorsOfLevel),
      "1 ... \(PlanLimits.candidates) anchors of a level", "\(anchorsOfLevel)")
    try c.require(overlap >= 0 && overlap <= 1, "an overlap of 0 ... 1", "another")
    try c.checkKernel(kernel)
    try c.checkLevels(c.inputs, strides: strides, anchors: anchors.count)
    try c.check(
      convolution, kernel: kernel, channels: c.input.shape.channels, n: convolution.n)
    try c.check(
      output, k: convolution.n, n: 5 * anchors.count, multiplier: PlanLimits.offset)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    let parts = ProposalsScratch(self, strip: strip) { operands.inputs[$0].shape }
    return ScratchNeed(parts.byteCount, own: parts.ownByteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    for level in c.inputs {
      let positions = Count(level.height) * Count(level.width)
      c.add(
        convolution, kernel: kernel, channels: level.channels, positions: positions, to: &work)
      c.add([output], positions: positions, to: &work)
      if c.isPadded {
        // At worst each anchor is better than those before it: two exponentials, and its way into a heap.
        work.add(32 * positions * Count(anchors.count), to: .values)
      }
    }
    // Boxes against boxes.
    work.add(Count(strides.count) * Count(anchorsOfLevel) * Count(regions), to: .values)
    return work
  }
}

/// What is between levels and regions.
public struct ProposalsScratch: Sendable {
  /// Bytes between positions of what the convolution makes, and sums of a position.
  public let hiddenPitch, sumsPitch: Int
  /// Offsets of a thread's own parts: how many anchors it has found, a tap outside the map, the rows of which
  /// products take neighbourhoods, the products' scratch, what the convolution makes, sums, the best anchors of
  /// a level.
  public let ownCount, outside, band, product, hidden, sums, anchors: Int
  /// Offsets of what all threads share: the anchors that are kept of each level, how many, and which level each
  /// region is of.
  public let kept, counts, levels: Int
  /// The part of each thread.
  public let ownByteCount: Int
  /// All of it.
  public let byteCount: Int

  /// Bytes of an anchor with its box, in a list.
  public static let anchorBytes = 32

  /// The scratch of a step whose levels have these shapes.
  public init(_ step: Proposals, strip: Int, level: (Int) -> Shape) {
    var positions = 0, bandBytes = 0, productBytes = 0
    for i in step.strides.indices {
      let layout = Self.band(step, of: level(i), strip: strip)
      positions = max(positions, layout.lines * layout.columns)
      bandBytes = max(bandBytes, layout.byteCount)
      productBytes = max(productBytes, layout.productBytes)
    }
    hiddenPitch = step.convolution.panelCount * Shape.block
    sumsPitch = step.output.panelCount * Shape.block
    var cursor = ScratchCursor()
    ownCount = cursor.reserve(64)
    outside = cursor.reserve(level(0).channels)
    band = cursor.reserve(bandBytes)
    product = cursor.reserve(
      max(productBytes, ScratchCursor.product(rows: positions, k: step.output.k)))
    hidden = cursor.reserve(positions * hiddenPitch)
    sums = cursor.reserve(positions * sumsPitch * 4)
    anchors = cursor.reserve(step.anchorsOfLevel * Self.anchorBytes)
    ownByteCount = cursor.byteCount
    kept = cursor.reserve(step.strides.count * step.anchorsOfLevel * Self.anchorBytes)
    counts = cursor.reserve(step.strides.count * 4)
    levels = cursor.reserve(step.regions)
    byteCount = cursor.byteCount
  }

  /// How products read the neighbourhoods of a level.
  public static func band(_ step: Proposals, of level: Shape, strip: Int) -> BandLayout {
    BandLayout(
      kernel: step.kernel, stride: 1, channels: level.channels, grid: Extent(of: level),
      output: Extent(of: level), strip: strip)
  }
}
