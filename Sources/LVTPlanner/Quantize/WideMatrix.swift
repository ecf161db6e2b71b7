// SPDX-License-Identifier: Apache-2.0

/// A matrix for int16 inputs.
///
/// Its sums are read as they are, so the bias and its correction are added in float.
struct WideMatrix {
  let matrix: QuantizedMatrix
  let bias: [Float]

  /// - Parameter quantize: Quantizes a matrix whose bias is zero.
  init(
    _ float: FloatMatrix, inputScale: Float, quantize: (FloatMatrix) -> QuantizedMatrix
  ) {
    var unbiased = float
    unbiased.bias = [Float](repeating: 0, count: float.outputs)
    let quantized = quantize(unbiased)
    matrix = quantized.withoutBias
    bias = (0..<float.outputs).map { o in
      float.bias[o] + Float(quantized.bias[o]) * inputScale * quantized.scales[o]
    }
  }
}
