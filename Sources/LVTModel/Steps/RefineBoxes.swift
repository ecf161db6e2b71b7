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
