// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// A product at each position, plus the second input if there is one, then ReLU if `relu`.
struct FloatPointwise: FloatOperation {
  var matrix: FloatMatrix
  let relu: Bool
  /// Whether a second input is added; then there is no ReLU.
  let isResidual: Bool

  var matrices: [FloatMatrix] { [matrix] }
  var parameters: Int { matrix.parameters }
  var addedInput: Int? { isResidual ? 1 : nil }

  func macs(to output: Shape) -> Int { output.positions * matrix.weights.count }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == (isResidual ? 2 : 1), inputs[0].channels == matrix.inputs else {
      return nil
    }
    var shape = inputs[0]
    shape.channels = matrix.outputs
    return isResidual && inputs[1] != shape ? nil : shape
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    var result = matrix.applied(to: inputs[0].values, rows: output.positions, relu: relu)
    if isResidual { lvtf_add(&result, inputs[1].values, result.count) }
    return result
  }

  mutating func scaleOutputs(_ factors: [Float]) -> Bool {
    guard relu, !isResidual else { return false }
    matrix.scaleOutputs(factors)
    return true
  }

  mutating func scaleInputs(_ factors: [Float]) -> Bool {
    matrix.scaleInputs(factors)
    return true
  }

  mutating func subtractFromBias(_ shift: [Float]) -> Bool {
    guard !relu else { return false }
    matrix.subtractFromBias(shift)
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    let (source, narrowing) = c.reading()
    let quantized = QuantizedMatrix(matrix, inputScale: source.scale, means: c.inputMeans)
    let output = c.output(leastScale: quantized.leastOutputScale, adding: c.residual)
    var step = Pointwise()
    step.narrowing = narrowing
    step.matrix = c.pack(quantized, source, output, relu: relu)
    step.residualMultiplier = c.residual.map { $0.scale / output.scale }
    return .pointwise(step)
  }
}

extension FloatMatrix {
  mutating func subtractFromBias(_ shift: [Float]) {
    for o in bias.indices { bias[o] -= shift[o] }
  }
}
