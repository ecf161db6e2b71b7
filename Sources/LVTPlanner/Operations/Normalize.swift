// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// LayerNorm over the channels of every position.
struct FloatNormalize: FloatOperation {
  var norm: FloatNorm

  var matrices: [FloatMatrix] { [] }
  var parameters: Int { 2 * norm.gamma.count }
  // Its input may be of a stream, what it makes is int8.
  var fixedType: ElementType? { .int8 }

  func outputShape(of inputs: [Shape]) -> Shape? {
    inputs.count == 1 && inputs[0].channels == norm.gamma.count ? inputs[0] : nil
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    norm.applied(to: inputs[0].values)
  }

  mutating func scaleOutputs(_ factors: [Float]) -> Bool {
    norm.scaleOutputs(factors)
    return true
  }

  mutating func subtractFromBias(_ shift: [Float]) -> Bool {
    for c in shift.indices { norm.beta[c] -= shift[c] }
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    let inputScale = c.input.scale
    var step = Normalize()
    step.norm = c.append(norm, inputScale: inputScale, output: c.output())
    return .normalize(step)
  }
}
