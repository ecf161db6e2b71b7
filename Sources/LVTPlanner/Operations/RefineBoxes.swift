// SPDX-License-Identifier: Apache-2.0
internal import LVTModel
internal import LVTRuntime

/// Regions moved to where a stage says; ``LVTModel/RefineBoxes`` says how.
struct FloatRefineBoxes: FloatOperation {
  let reading: BoxReading

  var matrices: [FloatMatrix] { [] }
  var parameters: Int { 0 }
  var isOfStreams: Bool { false }
  var fixedType: ElementType? { .float32 }
  var namesItsInputs: Bool { true }

  func outputShape(of inputs: [Shape]) -> Shape? {
    inputs.count == 2 && inputs[1].channels == reading.values ? inputs[0] : nil
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let decoder = BoxDecoder(reading.coder, picture: reading.picture)
    var result = inputs[0].values
    for (row, box) in regions(inputs[0]).enumerated() {
      let said = Array(inputs[1].values[row * reading.values..<(row + 1) * reading.values])
      let moved = reading.refined(box, said, decoder)
      for i in 0..<4 { result[row * output.channels + i] = moved[i] }
    }
    return result
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    var step = RefineBoxes()
    step.reading = reading
    return .refineBoxes(step)
  }
}
