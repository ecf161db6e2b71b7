// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Every so many rows and columns of a map, from the first on.
struct FloatSubsample: FloatOperation {
  let stride: Int

  var matrices: [FloatMatrix] { [] }
  var parameters: Int { 0 }
  var isOfStreams: Bool { false }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == 1 else { return nil }
    return Shape(
      height: Convolution.edge(inputs[0].height, stride: stride),
      width: Convolution.edge(inputs[0].width, stride: stride), channels: inputs[0].channels)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let channels = output.channels
    var result: [Float] = []
    result.reserveCapacity(output.positions * channels)
    for y in 0..<output.height {
      for x in 0..<output.width {
        let start = (y * inputs[0].shape.width + x) * stride * channels
        result += inputs[0].values[start..<start + channels]
      }
    }
    return result
  }

  mutating func scale(_ factors: [Float], inputs: Set<Int>, output: Bool) -> Bool {
    inputs == [0] && output
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    var step = Subsample()
    step.stride = stride
    c.outputIsQuantizedAsInput()
    return .subsample(step)
  }
}
