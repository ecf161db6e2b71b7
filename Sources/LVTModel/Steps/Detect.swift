// SPDX-License-Identifier: Apache-2.0

/// The head of a one-stage detector over all levels of a pyramid: boxes with classes and scores.
///
/// The same weights serve all levels, so the levels share one quantization. Two towers of convolutions with
/// ReLU read a level; the last convolution of one makes logits for each anchor and class, that of the other
/// makes offsets of boxes. What a level makes never exists as a map: logits are looked at row by row, and
/// offsets are computed where an anchor was kept. DenseHeads.md has the arithmetic.
///
/// The result has one position for each box that may be found, best first, each with six floats: left, top,
/// right and bottom edge in pixels of the input, score, class. Behind the last box all are 0.
public struct Detect: Equatable, Sendable {
  /// Pixels of the input, outside which no box reaches.
  public var picture = Extent()
  /// Classes.
  public var classes = 0
  /// Pixels between neighbouring positions of each level.
  public var strides: [Int] = []
  /// The anchors of a position.
  public var anchors: [Anchor] = []
  /// How offsets move anchors.
  public var coder = BoxCoder()
  /// What decides which boxes are found.
  public var selection = Selection()
  /// K of all convolutions, odd.
  public var kernel = 0
  /// The convolutions in front of the last ones, each with ReLU.
  public var classTower: [PackedMatrix] = [], boxTower: [PackedMatrix] = []
  /// The last convolutions, to anchors · classes logits and anchors · 4 offsets.
  ///
  /// Multipliers turn their sums into real numbers.
  public var classOutput = PackedMatrix(), boxOutput = PackedMatrix()

  /// Zeros, to be filled.
  public init() {}

  /// The sides of an anchor as multiples of the level's stride.
  public struct Anchor: Equatable, Sendable {
    /// Columns.
    public var width: Float = 0
    /// Rows.
    public var height: Float = 0

    /// No anchor.
    public init() {}

    /// An anchor.
    public init(width: Float, height: Float) {
      self.width = width
      self.height = height
    }
  }

  /// What decides which boxes are found.
  public struct Selection: Equatable, Sendable {
    /// Logits of at most so much are nothing: that of a score of 0.05.
    public var leastLogit: Float = -2.9444389
    /// A box is dropped whose intersection over union with a better one of its class is greater.
    public var overlap: Float = 0.5
    /// Of each level so many anchors are kept, those with the greatest score of any class.
    public var anchorsOfLevel = 1000
    /// The most boxes of a picture.
    public var boxes = 100

    /// The published defaults.
    public init() {}
  }

  /// The most anchors of a level, and the most boxes of a picture.
  public static var mostCandidates: Int { PlanLimits.candidates }

  /// How products read the neighbourhoods of a level, or of what a convolution makes of it.
  public func band(of level: Shape, channels: Int, strip: Int) -> BandLayout {
    BandLayout(
      kernel: kernel, stride: 1, channels: channels, grid: Extent(of: level),
      output: Extent(of: level), strip: strip)
  }

  /// Values of a box in the result.
  public static let boxValues = 6
}

extension Detect: StepOperation {
  static let code: UInt32 = 17
  var name: String { "detect" }
  var meaning: Meaning { .objects }
  var inputTypes: [ElementTypes] { strides.map { _ in .int8 } }
  var matrices: [PackedMatrix] { classTower + [classOutput] + boxTower + [boxOutput] }
  var kernels: [String] { ["pixels_s8", "gemm_s8", "taps_s8"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.code(&picture)
    try c.index(&classes)
    try c.list(&strides, "levels", limit: PlanLimits.inputs, 0) {
      (c, stride) throws(C.Failure) in try c.index(&stride)
    }
    try c.list(&anchors, "anchors", limit: PlanLimits.anchors)
    try c.code(&coder)
    try c.code(&selection)
    try c.index(&kernel)
    try c.list(&classTower, "convolutions of a tower", limit: PlanLimits.tower)
    try c.list(&boxTower, "convolutions of a tower", limit: PlanLimits.tower)
    try c.code(&classOutput)
    try c.code(&boxOutput)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    OutputForm(
      Shape(height: 1, width: selection.boxes, channels: Detect.boxValues), .float32)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.require(
      (1...PlanLimits.channels(of: .float32)).contains(classes), "1 ... 65536 classes",
      "\(classes)")
    try c.checkPicture(picture)
    try c.checkAnchors(anchors)
    try coder.check(c)
    try selection.check(c)
    try c.checkKernel(kernel)
    try c.checkLevels(c.inputs, strides: strides, anchors: anchors.count)
    for (tower, output, columns) in [
      (classTower, classOutput, anchors.count * classes), (boxTower, boxOutput, anchors.count * 4),
    ] {
      var channels = c.input.shape.channels
      for matrix in tower {
        try c.check(matrix, kernel: kernel, channels: channels, n: matrix.n)
        channels = matrix.n
      }
      try c.check(
        output, kernel: kernel, channels: channels, n: columns, multiplier: PlanLimits.offset)
    }
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    let parts = DetectScratch(self, strip: strip) { operands.inputs[$0].shape }
    return ScratchNeed(parts.byteCount, own: parts.ownByteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    for level in c.inputs {
      let positions = Count(level.height) * Count(level.width)
      for (tower, output) in [(classTower, classOutput), (boxTower, boxOutput)] {
        var channels = level.channels
        for matrix in tower + [output] {
          c.add(matrix, kernel: kernel, channels: channels, positions: positions, to: &work)
          channels = matrix.n
        }
      }
    }
    let kept = Count(strides.count) * Count(selection.anchorsOfLevel)
    if c.isPadded {
      // The logits of the anchors that are kept once more.
      c.add([classOutput], positions: kept, to: &work)
    }
    // Boxes against boxes.
    work.add(kept * Count(selection.boxes), to: .values)
    return work
  }
}

extension StepContext {
  /// Pixels of the input.
  func checkPicture(_ picture: Extent) throws(PlanError) {
    for edge in [picture.height, picture.width] {
      try require((1...PlanLimits.extent).contains(edge), "a picture", "\(picture)")
    }
  }

  func checkAnchors(_ anchors: [Detect.Anchor]) throws(PlanError) {
    try require(!anchors.isEmpty, "at least one anchor", "none")
    for anchor in anchors {
      for side in [anchor.width, anchor.height] {
        try require(
          side > 0 && side <= PlanLimits.anchorSide, "anchors of at most 65536 strides", "another")
      }
    }
  }

  /// Levels of a pyramid that share weights.
  ///
  /// - Parameter anchors: Those of a position.
  func checkLevels(
    _ levels: some Collection<Tensor>, strides: [Int], anchors: Int
  ) throws(PlanError) {
    for stride in strides {
      try require((1...PlanLimits.extent).contains(stride), "strides of 1 ... 16384", "\(stride)")
    }
    for level in levels {
      try require(
        level.quantization == input.quantization && level.shape.channels == input.shape.channels,
        "levels of one quantization and as many channels", "others")
      // Places of anchors, and boxes, are numbered with 31 bits.
      try require(
        level.shape.positions * anchors < 1 << 31, "at most 2^31 anchors of a level",
        "\(level.shape)")
    }
  }
}

extension Detect.Anchor: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.float(&width)
    try c.float(&height)
  }
}

extension Detect.Selection: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.float(&leastLogit)
    try c.float(&overlap)
    try c.index(&anchorsOfLevel)
    try c.index(&boxes)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.require(leastLogit.isFinite, "a finite least logit", "another")
    try c.require(overlap >= 0 && overlap <= 1, "an overlap of 0 ... 1", "another")
    try c.require(
      (1...PlanLimits.candidates).contains(anchorsOfLevel),
      "1 ... \(PlanLimits.candidates) anchors of a level", "\(anchorsOfLevel)")
  }
}

/// What a detector's head puts between a level and its boxes.
public struct DetectScratch: Sendable {
  /// Positions whose neighbourhoods are gathered at a time.
  public let stripRows: Int
  /// Bytes from one gathered neighbourhood to the next.
  public let tapsPitch: Int
  /// Sums of a position.
  public let sumsPitch: Int
  /// The most candidates of a thread.
  public let candidateRoom: Int
  /// Offsets of a thread's own parts: a tap outside the map, the rows of which products take neighbourhoods,
  /// neighbourhoods that are gathered, the product's scratch, sums, the best anchors of a level, the best
  /// candidates of all.
  public let outside, band, taps, product, sums, anchors, candidates: Int
  /// Offsets of what all threads share: two maps, the anchors that are kept, how many of each level, and their
  /// boxes.
  public let maps: (Int, Int)
  public let kept, counts, boxes: Int
  /// Offsets of what each thread has found, one after the other: the counts of ``anchors`` and of
  /// ``candidates``.
  public let ownCounts: Int
  /// The part of each thread.
  public let ownByteCount: Int
  /// All of it.
  public let byteCount: Int

  /// Bytes of an anchor, and of a candidate, in a list.
  public static let anchorBytes = 8, candidateBytes = 12

  /// The scratch of a step whose levels have these shapes.
  public init(_ step: Detect, strip: Int, level: (Int) -> Shape) {
    let inputs = level(0).channels
    var width = 0, channels = inputs
    for matrix in step.classTower {
      (width, channels) = (max(width, matrix.panelCount), max(channels, matrix.n))
    }
    for matrix in step.boxTower {
      (width, channels) = (max(width, matrix.panelCount), max(channels, matrix.n))
    }
    var positions = 0, bandBytes = 0, productBytes = 0
    for i in step.strides.indices {
      let layout = step.band(of: level(i), channels: channels, strip: strip)
      positions = max(positions, level(i).positions)
      bandBytes = max(bandBytes, layout.byteCount)
      productBytes = max(productBytes, layout.productBytes)
    }
    let k = BandLayout.k(kernel: step.kernel, channels: channels)
    stripRows = min(positions, strip)
    tapsPitch = Shape.blocks(k) * Shape.block
    sumsPitch = max(step.classOutput.panelCount, step.boxOutput.panelCount) * Shape.block
    candidateRoom = step.strides.count * step.selection.anchorsOfLevel
    var cursor = ScratchCursor()
    ownCounts = cursor.reserve(64)
    outside = cursor.reserve(channels)
    band = cursor.reserve(bandBytes)
    taps = cursor.reserve(stripRows * tapsPitch)
    product = cursor.reserve(
      max(productBytes, ScratchCursor.product(rows: stripRows, k: k)))
    sums = cursor.reserve(stripRows * sumsPitch * 4)
    anchors = cursor.reserve(step.selection.anchorsOfLevel * Self.anchorBytes)
    candidates = cursor.reserve(candidateRoom * Self.candidateBytes)
    ownByteCount = cursor.byteCount
    let map = positions * width * Shape.block
    maps = (cursor.reserve(map), cursor.reserve(map))
    kept = cursor.reserve(candidateRoom * Self.anchorBytes)
    counts = cursor.reserve(step.strides.count * 4)
    boxes = cursor.reserve(candidateRoom * 16)
    byteCount = cursor.byteCount
  }
}
