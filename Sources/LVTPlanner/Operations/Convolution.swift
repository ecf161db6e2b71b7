// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// A K × K convolution with padding (K − 1) / 2.
struct FloatConvolution: FloatOperation {
  /// K, odd.
  let kernel: Int
  /// Input rows and columns from one output position to the next.
  let stride: Int
  /// K² · channels inputs in the order row, column, channel.
  var matrix: FloatMatrix
  /// Whether GELU follows.
  let gelu: Bool

  var matrices: [FloatMatrix] { [matrix] }
  var parameters: Int { matrix.parameters }
  var isOfStreams: Bool { false }

  func macs(to output: Shape) -> Int { output.positions * matrix.weights.count }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == 1, inputs[0].channels * kernel * kernel == matrix.inputs else {
      return nil
    }
    return Shape(
      height: Convolution.edge(inputs[0].height, stride: stride),
      width: Convolution.edge(inputs[0].width, stride: stride), channels: matrix.outputs)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    var result = matrix.applied(to: taps(inputs[0], grid: output), rows: output.positions)
    guard gelu else { return result }
    observe(.hidden, result, matrix.outputs)
    lvtf_gelu(&result, result.count)
    return result
  }

  /// The K × K neighbourhoods of the positions of a grid; zeros outside the map.
  private func taps(_ map: FloatMap, grid: Shape) -> [Float] {
    let shape = map.shape, channels = shape.channels
    var rows = [Float](
      repeating: 0, count: grid.positions * kernel * kernel * channels)
    var row = 0
    for top in Swift.stride(from: 0, to: grid.height * stride, by: stride) {
      for left in Swift.stride(from: 0, to: grid.width * stride, by: stride) {
        for tap in 0..<kernel * kernel {
          let y = top + tap / kernel - kernel / 2, x = left + tap % kernel - kernel / 2
          if (0..<shape.height).contains(y), (0..<shape.width).contains(x) {
            let start = (y * shape.width + x) * channels
            for c in 0..<channels { rows[row + c] = map.values[start + c] }
          }
          row += channels
        }
      }
    }
    return rows
  }

  mutating func subtractFromBias(_ shift: [Float]) -> Bool {
    matrix.subtractFromBias(shift)
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    let taps = kernel * kernel, mean = c.network.mean
    var step = Convolution(), matrix = matrix, means = c.inputMeans
    if c.readsPicture {
      let nearest = mean.map { max(0, min(255, (255 * $0).rounded())) }
      matrix = matrix.onBytes(of: c.network).withOutside(mean: mean, nearest: nearest)
      means = mean.map { Double(255 * $0) } + [0]
      step.outside = SIMD4(
        (nearest + [FloatMatrix.outsideValue]).map { Int8(Int($0) - 128) })
    }
    let quantized = QuantizedMatrix(
      matrix, inputScale: c.input.scale,
      means: [[Double]](repeating: means, count: taps).flatMap { $0 })
    step.kernel = kernel
    step.stride = stride
    guard gelu else {
      let output = c.output(leastScale: quantized.leastOutputScale)
      step.matrix = c.pack(quantized, c.input, output)
      return .convolution(step)
    }
    let hidden = c.choose(.hidden, leastScale: quantized.leastOutputScale, transform: .gelu)
    let output = c.output()
    step.matrix = c.pack(quantized, c.input, hidden)
    step.tableOffset = c.appendGELU(hidden, output)
    return .convolution(step)
  }
}

extension FloatMatrix {
  /// A fourth input for each tap of a matrix on pixels, `outsideValue` where the tap is outside the picture:
  /// its weight makes up what the nearest whole colour is off the mean.
  fileprivate func withOutside(mean: [Float], nearest: [Float]) -> FloatMatrix {
    var extended: [Float] = []
    for start in stride(from: 0, to: weights.count, by: 3) {
      let colours = weights[start..<start + 3]
      let off = zip(colours, zip(mean, nearest)).reduce(Float(0)) {
        $0 + $1.0 * (255 * $1.1.0 - $1.1.1)
      }
      extended += colours + [off / Self.outsideValue]
    }
    return FloatMatrix(
      inputs: inputs / 3 * Convolution.pictureChannels, outputs: outputs, weights: extended,
      bias: bias)
  }

  /// Two of a weight's steps make up for three colours that are half a grey level off, three at most.
  fileprivate static let outsideValue: Float = 2
}
