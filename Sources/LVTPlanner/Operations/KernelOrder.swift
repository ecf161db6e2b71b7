// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

// Outputs of products in the order in which the kernels read them.

extension FloatDynamicFilter {
  /// The second product with its outputs in the order block of 16 channels, tap, channel; zeros for
  /// channels that pad the last block.
  var expandByBlocks: FloatMatrix {
    let taps = kernel * kernel, inputs = expand.inputs
    let columns = DynamicDepthwise.columns(kernel: kernel, channels: channels)
    var weights: [Float] = [], bias = [Float](repeating: 0, count: columns)
    weights.reserveCapacity(columns * inputs)
    for column in 0..<columns {
      let channel = column / Shape.block / taps * Shape.block + column % Shape.block
      guard channel < channels else {
        weights += repeatElement(0, count: inputs)
        continue
      }
      let row = channel * taps + column / Shape.block % taps
      weights += expand.weights[row * inputs..<(row + 1) * inputs]
      bias[column] = expand.bias[row]
    }
    return FloatMatrix(inputs: inputs, outputs: columns, weights: weights, bias: bias)
  }
}

extension FloatInhomogeneousFilter {
  /// The second product with its outputs in the kernels' order; zeros for what pads the last pair.
  var expandByPairs: FloatMatrix {
    let inputs = expand.inputs
    let columns = InhomogeneousDepthwise.columns(kernel: kernel, groups: groups)
    var weights = [Float](repeating: 0, count: columns * inputs)
    var bias = [Float](repeating: 0, count: columns)
    for row in 0..<expand.outputs {
      let tap = row % (kernel * kernel)
      let column = InhomogeneousDepthwise.column(
        kernel: kernel, groups: groups, row: tap / kernel, column: tap % kernel,
        group: row / (kernel * kernel))
      bias[column] = expand.bias[row]
      for k in 0..<inputs { weights[column * inputs + k] = expand.weights[row * inputs + k] }
    }
    return FloatMatrix(inputs: inputs, outputs: columns, weights: weights, bias: bias)
  }
}

extension FloatMatrix {
  /// The outputs cut into parts of `count` and each part padded with zeros to `width`.
  func paddingParts(of count: Int, to width: Int) -> FloatMatrix {
    var padded: [Float] = [], paddedBias: [Float] = []
    for start in stride(from: 0, to: outputs, by: count) {
      padded += weights[start * inputs..<(start + count) * inputs]
      padded += repeatElement(0, count: (width - count) * inputs)
      paddedBias += bias[start..<start + count] + repeatElement(0, count: width - count)
    }
    return FloatMatrix(
      inputs: inputs, outputs: paddedBias.count, weights: padded, bias: paddedBias)
  }
}
