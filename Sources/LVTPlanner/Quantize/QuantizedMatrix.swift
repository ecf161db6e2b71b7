// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import Dispatch
internal import LVTModel

/// Int8 weights with a scale for each output, and the bias in units of the sums.
struct QuantizedMatrix {
  private(set) var inputs: Int
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
  ///   - inputZeroPoints: Of each input, again and again until all have one; folded into the bias.
  ///   - bestScales: The scale of each row by its weights alone.
  ///   - means: The mean of each input on the calibration pictures; if rows read different inputs, those of row
  ///     after row. What rounding changes in a row's weights changes its sum by Σ ΔW · E[x] on average; the
  ///     bias takes that back.
  ///   - round: Makes integers of the weights; they may be further from the weights than need be.
  init(
    _ matrix: FloatMatrix, inputScale: Float, inputZeroPoints: [Int] = [0], bestScales: [Float],
    means: [Double], round: (_ scales: [Float]) -> RoundedWeights
  ) {
    inputs = matrix.inputs
    outputs = matrix.outputs
    self.inputScale = inputScale
    scales = zip(bestScales, matrix.bias).map {
      Self.scale($0, holding: abs(Double($1)), inputScale: inputScale)
    }
    let rounded = round(scales)
    weights = rounded.weights
    bias = []
    for o in 0..<outputs {
      func corrected(_ drift: Double) -> Double {
        (Double(matrix.bias[o]) - drift) / (Double(inputScale) * Double(scales[o]))
      }
      var sum = corrected(rounded.drifts[o])
      if abs(sum) > Self.biasLimit {
        // Rounded to the nearest, no weight changes by more than itself, so this has room for any drift.
        let greatest = (0..<inputs).reduce(abs(Double(matrix.bias[o]))) {
          let i = o * inputs + $1
          return $0 + abs(Double(matrix.weights[i]) * means[i % means.count])
        }
        scales[o] = Self.scale(scales[o], holding: greatest, inputScale: inputScale)
        for i in o * inputs..<(o + 1) * inputs {
          let steps = (matrix.weights[i] / scales[o]).rounded(.toNearestOrEven)
          weights[i] = Int8(max(-127, min(127, steps)))
        }
        sum = corrected(matrix.drift(ofRow: o, weights, scale: scales[o], means: means))
      }
      var zero = 0
      if inputZeroPoints != [0] {
        for i in 0..<inputs {
          zero += Int(weights[o * inputs + i]) * inputZeroPoints[i % inputZeroPoints.count]
        }
      }
      bias.append(Int32(clamping: Int(Int32(rounding: sum)) - zero))
    }
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

  /// The matrix with each segment of the neighbourhoods of a K × K convolution filled with zeros, as products
  /// read them.
  func fillingSegments(kernel: Int) -> QuantizedMatrix {
    kernel > 1 ? fillingSegments(kernel, multiple: 4) : self
  }

  /// The matrix with each of so many segments of its inputs filled with zeros to a multiple.
  func fillingSegments(_ segments: Int, multiple: Int) -> QuantizedMatrix {
    let taps = inputs / segments, filled = (taps + multiple - 1) / multiple * multiple
    guard filled > taps else { return self }
    var result = self
    result.inputs = segments * filled
    result.weights = [Int8](repeating: 0, count: outputs * result.inputs)
    for segment in 0..<outputs * segments {
      for tap in 0..<taps {
        result.weights[segment * filled + tap] = weights[segment * taps + tap]
      }
    }
    return result
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
