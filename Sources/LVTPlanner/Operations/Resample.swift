// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// A map on a grid of other extents, read bilinearly.
struct FloatResample: FloatOperation {
  let extent: Extent

  var matrices: [FloatMatrix] { [] }
  var parameters: Int { 0 }
  var isOfStreams: Bool { false }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == 1 else { return nil }
    return Shape(height: extent.height, width: extent.width, channels: inputs[0].channels)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    inputs[0].resampled(to: extent, .bilinear).values
  }

  mutating func scale(_ factors: [Float], inputs: Set<Int>, output: Bool) -> Bool {
    inputs == [0] && output
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    var step = Resample()
    step.extent = extent
    c.outputIsQuantizedAsInput()
    return .resample(step)
  }
}
