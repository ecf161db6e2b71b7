// SPDX-License-Identifier: Apache-2.0

/// The objects of a two-stage detector: the likeliest classes of its regions, moved, without those that overlap
/// a likelier one of their class.
///
/// The inputs are the last stage's regions, and what each stage's ``BoxHead`` says of them. A class's score is
/// its part of the softmax over the mean of the stages' logits; regions are moved by the last stage's offsets. The
/// result has the form that ``Detect`` makes.
public struct Boxes: Equatable, Sendable {
  /// How what the last stage says of a region is read.
  public var reading = BoxReading()
  /// Heads that say something of the regions.
  public var stages = 0
  /// Scores of at most so much are nothing.
  public var leastScore: Float = 0.05
  /// A box is dropped whose intersection over union with a better one of its class is greater.
  public var overlap: Float = 0.5
  /// The most boxes of a picture.
  public var boxes = 100

  /// The published defaults.
  public init() {}

  /// Classes of a region that may be found: scores add up to 1.
  func classesOfRegion() -> Int {
    leastScore > 0 ? min(reading.classes, Int(min(1 / leastScore, 65536)) + 1) : reading.classes
  }
}

extension Boxes: StepOperation {
  static let code: UInt32 = 22
  var name: String { "boxes" }
  var meaning: Meaning { .objects }
  func meaning(ofInput index: Int) -> Meaning { index == 0 ? .regions : .readings }
  var inputTypes: [ElementTypes] { [.float32] + (0..<stages).map { _ in .float32 } }
  var matrices: [PackedMatrix] { [] }
  var kernels: [String] { [] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.code(&reading)
    try c.size(&stages, "stages", limit: PlanLimits.inputs - 1)
    try c.float(&leastScore)
    try c.float(&overlap)
    try c.index(&boxes)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    OutputForm(Shape(height: 1, width: boxes, channels: Detect.boxValues), .float32)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.require(stages >= 1, "at least one stage", "none")
    try reading.check(c)
    try c.require(leastScore >= 0 && leastScore <= 1, "a least score of 0 ... 1", "another")
    try c.require(overlap >= 0 && overlap <= 1, "an overlap of 0 ... 1", "another")
    try c.require(
      c.input.shape.width * classesOfRegion() <= PlanLimits.candidateBoxes,
      "at most \(PlanLimits.candidateBoxes) candidates", "more")
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    let parts = BoxesScratch(self, regions: operands.input.shape.width)
    return ScratchNeed(parts.byteCount, own: 0)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    let regions = Count(c.input.width)
    // An exponential takes as long as eight values.
    work.add(regions * Count(reading.classes + 1) * Count(stages + 8), to: .values)
    work.add(regions * Count(classesOfRegion()) * Count(boxes), to: .values)
    return work
  }
}

/// The candidates, their boxes, and the scores of a region.
public struct BoxesScratch: Sendable {
  /// The most candidates.
  public let room: Int
  /// Offsets of the parts.
  public let candidates, boxes, scores: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over so many regions.
  public init(_ step: Boxes, regions: Int) {
    room = regions * step.classesOfRegion()
    var cursor = ScratchCursor()
    candidates = cursor.reserve(room * DetectScratch.candidateBytes)
    boxes = cursor.reserve(room * 16)
    scores = cursor.reserve((step.reading.classes + 1) * 8)
    byteCount = cursor.byteCount
  }
}
