// SPDX-License-Identifier: Apache-2.0

/// Every so many rows and columns of a map, from the first on: what a pyramid's further level is made of where it
/// has no tensors.
public struct Subsample: Equatable, Sendable {
  /// Rows and columns from one output position to the next.
  public var stride = 0

  /// Zeros, to be filled.
  public init() {}
}

extension Subsample: StepOperation {
  static let code: UInt32 = 18
  var name: String { "subsample" }
  var inputTypes: [ElementTypes] { [.int8] }
  var matrices: [PackedMatrix] { [] }
  var kernels: [String] { [] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) { try c.index(&stride) }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    try c.require(
      (1...PlanLimits.kernel).contains(stride), "a stride of 1 ... \(PlanLimits.kernel)",
      "\(stride)")
    let shape = c.input.shape
    return OutputForm(
      Shape(
        height: Convolution.edge(shape.height, stride: stride),
        width: Convolution.edge(shape.width, stride: stride), channels: shape.channels),
      .int8)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.require(
      c.output.quantization == c.input.quantization, "the input's quantization", "another")
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed { ScratchNeed(0) }

  var division: StepDivision { .rows(kernel: 1, stride: stride, padding: 0) }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    work.add(c.map, to: .values)
    return work
  }
}
