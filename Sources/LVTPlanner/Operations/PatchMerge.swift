// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// 2 × 2 positions side by side → LayerNorm → product.
struct FloatPatchMerge: FloatOperation {
  var norm: FloatNorm
  var matrix: FloatMatrix

  var matrices: [FloatMatrix] { [matrix] }
  var parameters: Int { matrix.parameters + 2 * norm.gamma.count }

  func macs(to output: Shape) -> Int { output.positions * matrix.weights.count }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == 1, 4 * inputs[0].channels == matrix.inputs else { return nil }
    return Shape(
      height: (inputs[0].height + 1) / 2, width: (inputs[0].width + 1) / 2,
      channels: matrix.outputs)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let normalized = norm.applied(to: merged(inputs[0]))
    observe(.normalized, normalized, matrix.inputs)
    observe(.product(0), normalized, matrix.inputs)
    return matrix.applied(to: normalized, rows: output.positions)
  }

  private func merged(_ map: FloatMap) -> [Float] {
    let shape = map.shape, channels = shape.channels
    var rows: [Float] = []
    rows.reserveCapacity(map.values.count)
    for y in stride(from: 0, to: shape.height, by: 2) {
      for x in stride(from: 0, to: shape.width, by: 2) {
        for (dy, dx) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
          guard y + dy < shape.height, x + dx < shape.width else {
            rows += repeatElement(0, count: channels)
            continue
          }
          let start = ((y + dy) * shape.width + x + dx) * channels
          rows += map.values[start..<start + channels]
        }
      }
    }
    return rows
  }

  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {
    equalize(&norm, &matrix, ranges(.normalized))
  }

  mutating func subtractFromBias(_ shift: [Float]) -> Bool {
    matrix.subtractFromBias(shift)
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    let normalized = c.choose(.normalized)
    let quantized = c.quantized(matrix, inputScale: normalized.scale)
    let output = c.output(leastScale: quantized.leastOutputScale)
    var step = PatchMerge()
    step.norm = c.append(norm, inputScale: c.input.scale, output: normalized)
    step.matrix = c.pack(quantized, normalized, output)
    return .patchMerge(step)
  }
}
