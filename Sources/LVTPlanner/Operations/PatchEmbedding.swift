// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Patches of the picture → product → LayerNorm.
struct FloatPatchEmbed: FloatOperation {
  /// Edge of a patch in pixels.
  let patch: Int
  /// Pixels of a patch in the order row, column, colour.
  let matrix: FloatMatrix
  let norm: FloatNorm

  var matrices: [FloatMatrix] { [matrix] }
  var parameters: Int { matrix.parameters + 2 * norm.gamma.count }

  func macs(to output: Shape) -> Int { output.positions * matrix.weights.count }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == 1, inputs[0].channels == 3 else { return nil }
    return Shape(
      height: inputs[0].height / patch, width: inputs[0].width / patch, channels: matrix.outputs)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let patches = patches(inputs[0], grid: output)
    observe(.product(0), patches, matrix.inputs)
    let sums = matrix.applied(to: patches, rows: output.positions)
    observe(.sums, sums, matrix.outputs)
    return norm.applied(to: sums)
  }

  private func patches(_ picture: FloatMap, grid: Shape) -> [Float] {
    var rows: [Float] = []
    rows.reserveCapacity(picture.values.count)
    for row in 0..<grid.height {
      for column in 0..<grid.width {
        for y in 0..<patch {
          let start = ((row * patch + y) * picture.shape.width + column * patch) * 3
          rows += picture.values[start..<start + 3 * patch]
        }
      }
    }
    return rows
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    let network = c.network
    let quantized = c.quantized(matrix.onBytes(of: network), inputScale: c.input.scale) {
      $0.onBytes(of: network)
    }

    // int16 sums: room for values twice as large as any that calibration saw.
    let largest = c.statistics(.sums).map { max(-$0.low, $0.high) } ?? 1
    let sumScale = ScaleLimits.scale(max(2 * largest / 32767, quantized.leastOutputScale))
    var step = PatchEmbed()
    step.patch = patch
    step.matrix = c.pack(
      quantized.fillingSegments(kernel: patch), c.input,
      Quantization(scale: sumScale, zeroPoint: 0), relu: false)
    step.norm = c.append(norm, inputScale: sumScale, output: c.output())
    return .patchEmbed(step)
  }
}

extension FloatMatrix {
  /// The matrix on pixels of 0 … 255 instead of normalised ones.
  func onBytes(of network: Network) -> FloatMatrix {
    var folded = self
    for o in 0..<outputs {
      var shift = 0.0
      for k in 0..<inputs {
        let w = weights[o * inputs + k]
        shift += Double(w) * Double(network.mean[k % 3]) / Double(network.deviation[k % 3])
      }
      folded.bias[o] -= Float(shift)
    }
    folded.scaleInputs((0..<inputs).map { 1 / (255 * network.deviation[$0 % 3]) })
    return folded
  }
}
