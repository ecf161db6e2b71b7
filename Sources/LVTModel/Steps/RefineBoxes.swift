// SPDX-License-Identifier: Apache-2.0

/// Regions moved to where a stage of a cascade says: the next stage's regions.
///
/// A region is moved by the offsets of its likeliest class, background left out, and clipped. The inputs are the
/// regions and what a ``BoxHead`` says of them; the result has the form of the regions, with their scores.
public struct RefineBoxes: Equatable, Sendable {
  /// How what is said of a region is read.
  public var reading = BoxReading()

  /// Zeros, to be filled.
  public init() {}
}

/// How what a ``BoxHead`` says of a region is read: logits of the classes, one of the background, and offsets,
/// four for each class or four for all.
public struct BoxReading: Equatable, Sendable {
  /// Pixels of the input, outside which no box reaches.
  public var picture = Extent()
  /// Classes, without background.
  public var classes = 0
  /// Whether all classes have the same offsets.
  public var isAgnostic = false
  /// How offsets move regions.
  public var coder = BoxCoder()

  /// Zeros, to be filled.
  public init() {}

  /// Values of a region: logits, then offsets.
  public var values: Int { classes + 1 + 4 * (isAgnostic ? 1 : classes) }
}

extension BoxReading: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.code(&picture)
    try c.index(&classes)
    try c.flag(&isAgnostic)
    try c.code(&coder)
  }

  /// Regions are the first input, and what heads say of them are the others.
  func check(_ c: StepContext) throws(PlanError) {
    try c.checkPicture(picture)
    try c.require(
      (1...PlanLimits.classesOfBoxes).contains(classes),
      "1 ... \(PlanLimits.classesOfBoxes) classes", "\(classes)")
    try coder.check(c)
    let regions = c.input.shape.width
    for said in c.inputs.dropFirst() {
      try c.require(
        said.shape == Shape(height: 1, width: regions, channels: values),
        "\(values) values of \(regions) regions", "\(said.shape)")
    }
  }
}

extension RefineBoxes: StepOperation {
  static let code: UInt32 = 21
  var name: String { "refineBoxes" }
  var meaning: Meaning { .regions }
  func meaning(ofInput index: Int) -> Meaning { index == 0 ? .regions : .readings }
  var inputTypes: [ElementTypes] { [.float32, .float32] }
  var matrices: [PackedMatrix] { [] }
  var kernels: [String] { [] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) { try c.code(&reading) }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    OutputForm(c.input.shape, .float32)
  }

  func check(_ c: StepContext) throws(PlanError) { try reading.check(c) }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed { ScratchNeed(0) }

  var division: StepDivision { .positions }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    work.add(c.positions * Count(reading.classes), to: .values)
    return work
  }
}
