// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import Dispatch
internal import LVTModel

/// Int8 weights with a scale for each output, and the bias in units of the sums.
struct QuantizedMatrix {
  let inputs: Int
  let outputs: Int
  /// Row after row, −127 … 127.
  private(set) var weights: [Int8]
  /// Scale of each output's weights.
  private(set) var scales: [Float]
  /// In units of s_in · s_w, without the input's zero point.
  private(set) var bias: [Int32]
  let inputScale: Float

  /// Quantizes the rows of a matrix.
  ///
  /// - Parameters:
  ///   - means: The mean of each input on the calibration pictures. What rounding changes in a row's
  ///     weights changes its sum by Σ ΔW · E[x] on average; the bias takes that back.
  init(_ matrix: FloatMatrix, inputScale: Float, means: [Double]) {
    self.init(matrix, inputScale: inputScale) { _, input in means[input] }
  }

  /// Quantizes the rows of a matrix and folds what zero is in its inputs into the bias.
  ///
  /// - Parameter inputZeroPoints: Of each input, again and again until all have one.
  init(_ matrix: FloatMatrix, inputScale: Float, inputZeroPoints: [Int], means: [Double]) {
    self.init(matrix, inputScale: inputScale, means: means)
    for o in 0..<outputs {
      var sum = 0
      for i in 0..<inputs {
        sum += Int(weights[o * inputs + i]) * inputZeroPoints[i % inputZeroPoints.count]
      }
      bias[o] = Int32(clamping: Int(bias[o]) - sum)
    }
  }

  /// Quantizes the channels of a depth-wise filter, a row each: all inputs of a row have the mean of
  /// the row's channel.
  init(_ matrix: FloatMatrix, inputScale: Float, meansOfOutputs means: [Double]) {
    self.init(matrix, inputScale: inputScale) { output, _ in means[output] }
  }

  private init(
    _ matrix: FloatMatrix, inputScale: Float, mean: @Sendable (Int, Int) -> Double
  ) {
    let inputs = matrix.inputs, outputs = matrix.outputs
    var weights = [Int8](repeating: 0, count: inputs * outputs)
    var scales = [Float](repeating: 0, count: outputs)
    var bias = [Int32](repeating: 0, count: outputs)
    weights.withUnsafeMutableBufferPointer { weights in
      scales.withUnsafeMutableBufferPointer { scales in
        bias.withUnsafeMutableBufferPointer { bias in
          // Every row writes its own elements.
          nonisolated(unsafe) let (weights, scales, bias) = (weights, scales, bias)
          DispatchQueue.concurrentPerform(iterations: outputs) { o in
            (scales[o], bias[o]) = Self.quantize(
              matrix, row: o, inputScale: inputScale, mean: { mean(o, $0) },
              to: UnsafeMutableBufferPointer(rebasing: weights[o * inputs..<(o + 1) * inputs]))
          }
        }
      }
    }
    self.inputs = inputs
    self.outputs = outputs
    self.inputScale = inputScale
    self.weights = weights
    self.scales = scales
    self.bias = bias
  }

  /// Quantizes a row, and returns its scale and bias.
  private static func quantize(
    _ matrix: FloatMatrix, row o: Int, inputScale: Float, mean: (Int) -> Double,
    to weights: UnsafeMutableBufferPointer<Int8>
  ) -> (scale: Float, bias: Int32) {
    let row = matrix.weights[o * matrix.inputs..<(o + 1) * matrix.inputs]
    let best = row.withUnsafeBufferPointer { lvtf_weight_scale($0.baseAddress, $0.count) }
    var scale = Self.scale(best, holding: abs(Double(matrix.bias[o])), inputScale: inputScale)
    var corrected = 0.0
    for _ in 0..<2 {
      var drift = 0.0
      for (i, w) in row.enumerated() {
        let q = max(-127, min(127, (w / scale).rounded(.toNearestOrEven)))
        weights[i] = Int8(q)
        drift += Double(q * scale - w) * mean(i)
      }
      corrected = (Double(matrix.bias[o]) - drift) / (Double(inputScale) * Double(scale))
      if abs(corrected) <= biasLimit { break }
      // No weight is rounded by more than itself, so this has room for the drift of any scale.
      let greatest = row.enumerated().reduce(abs(Double(matrix.bias[o]))) {
        $0 + abs(Double($1.element) * mean($1.offset))
      }
      scale = Self.scale(scale, holding: greatest, inputScale: inputScale)
    }
    return (scale, Int32(rounding: corrected))
  }

  /// What a bias may be in units of the sums, its correction included.
  private static let biasLimit = 0x1p28

  /// A scale in whose units a bias of this magnitude is within its limit.
  ///
  /// A row of zeros, or nearly so, still needs one.
  private static func scale(
    _ best: Float, holding bias: Double, inputScale: Float
  ) -> Float {
    let least = Float(bias / Double(inputScale) / biasLimit).nextUp
    return min(max(best, least, 1e-12), ScaleLimits.greatestWeight)
  }

  /// The matrix with a bias of zero.
  var withoutBias: QuantizedMatrix {
    var result = self
    result.bias = [Int32](repeating: 0, count: outputs)
    return result
  }

  /// The greatest scale of a sum: an output's scale may not be less than twice that, so that
  /// multipliers stay within the format's 0.5.
  var leastOutputScale: Float { leastOutputScale(of: 0..<outputs) }

  /// The same for some of the outputs.
  func leastOutputScale(of rows: Range<Int>) -> Float {
    2 * inputScale * (scales[rows].max() ?? 0)
  }

  /// s_in · s_w / s_out of each output.
  func multipliers(outputScale: Float) -> [Float] {
    multipliers(outputScales: [Float](repeating: outputScale, count: outputs))
  }

  /// The same with a scale for each output.
  func multipliers(outputScales: [Float]) -> [Float] {
    zip(scales, outputScales).map { Float(Double(inputScale) * Double($0) / Double($1)) }
  }
}
