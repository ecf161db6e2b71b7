// SPDX-License-Identifier: Apache-2.0

/// LayerNorm over the channels of every position, to int8.
public struct Normalize: Equatable, Sendable {
  /// Over the channels.
  public var norm = LayerNorm()

  /// Zeros, to be filled.
  public init() {}
}

extension Normalize: StepOperation {
  static let code: UInt32 = 14
  var name: String { "normalize" }
  var inputTypes: [ElementTypes] { [.stream] }
  var matrices: [PackedMatrix] { [] }
  var kernels: [String] { ["layernorm"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) { try c.code(&norm) }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    OutputForm(c.input.shape, .int8)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.check(norm, channels: c.input.shape.channels)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed { ScratchNeed(0) }

  var division: StepDivision { .positions }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    work.add(2 * c.map, to: .values)
    return work
  }
}
