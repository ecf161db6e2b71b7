// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// LayerNorm if there is one, product, GELU, product, plus the input.
struct FloatMLP: FloatOperation {
  var norm: FloatNorm?
  var expand: FloatMatrix
  var project: FloatMatrix

  var matrices: [FloatMatrix] { [expand, project] }
  var parameters: Int {
    expand.parameters + project.parameters + 2 * (norm?.gamma.count ?? 0)
  }
  var addedInput: Int? { 0 }

  func macs(to output: Shape) -> Int {
    output.positions * (expand.weights.count + project.weights.count)
  }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == 1, inputs[0].channels == expand.inputs,
      expand.outputs == project.inputs, project.outputs == expand.inputs
    else { return nil }
    return inputs[0]
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    var source = inputs[0].values
    if let norm {
      source = norm.applied(to: source)
      observe(.normalized, source, expand.inputs)
    }
    observe(.product(0), source, expand.inputs)
    var hidden = expand.applied(to: source, rows: output.positions)
    observe(.hidden, hidden, expand.outputs)
    lvtf_gelu(&hidden, hidden.count)
    observe(.activated, hidden, expand.outputs)
    observe(.product(1), hidden, project.inputs)
    var result = project.applied(to: hidden, rows: output.positions)
    lvtf_add(&result, inputs[0].values, result.count)
    return result
  }

  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {
    guard var norm else { return }
    equalize(&norm, &expand, ranges(.normalized))
    self.norm = norm
  }

  mutating func subtractFromBias(_ shift: [Float]) -> Bool {
    project.subtractFromBias(shift)
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    let input = c.input
    let (source, narrowing) = norm == nil ? c.reading() : (c.choose(.normalized), nil)
    let first = c.quantized(expand, inputScale: source.scale)
    let hidden = c.choose(.hidden, leastScale: first.leastOutputScale, transform: .gelu)
    let activated = c.choose(.activated)
    let second = c.quantized(project, 1, inputScale: activated.scale)
    let output = c.output(leastScale: second.leastOutputScale, adding: input)
    var step = MLP()
    step.norm = norm.map { c.append($0, inputScale: input.scale, output: source) }
    step.narrowing = narrowing
    step.expand = c.pack(first, source, hidden)
    step.tableOffset = c.appendGELU(hidden, activated)
    step.project = c.pack(second, activated, output)
    step.residualMultiplier = input.scale / output.scale
    return .mlp(step)
  }
}
