// SPDX-License-Identifier: Apache-2.0

/// A map on a grid of other extents, in the same quantization.
public struct Resample: Equatable, Sendable {
  /// The grid.
  public var extent = Extent()

  /// Zeros, to be filled.
  public init() {}
}

extension Resample: StepOperation {
  static let code: UInt32 = 15
  var name: String { "resample" }
  var inputTypes: [ElementTypes] { [.int8] }
  var matrices: [PackedMatrix] { [] }
  var kernels: [String] { ["resample_s8"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) { try c.code(&extent) }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    OutputForm(
      Shape(height: extent.height, width: extent.width, channels: c.input.shape.channels), .int8)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.require(
      c.input.quantization == c.output.quantization, "the input's quantization", "another")
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      ResampleScratch(
        operands.input.shape, pitch: operands.input.pitch, grid: operands.output.shape.width
      ).byteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    work.add(2 * c.map, to: .values)
    return work
  }
}
