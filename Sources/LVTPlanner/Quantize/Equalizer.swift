// SPDX-License-Identifier: Apache-2.0
internal import Foundation

// A per-tensor scale serves a channel badly whose values are much smaller than another's. Where a ReLU
// lies between two layers, ReLU(f · x) = f · ReLU(x) for f > 0, so a channel can be scaled up before it
// and down after it without changing the network ("cross-layer equalization", Nagel and others,
// arXiv 1906.04721). Depth-wise filters have a scale for each channel, so for them the change costs
// nothing at all: their input is equalized fully. A product that follows shares one scale among the
// inputs of an output, so its inputs are equalized in part. LayerNorm's gamma and beta take a
// factor as freely as a ReLU does.

extension Network {
  /// Scales channels between layers so that their ranges are alike; the network computes the same.
  ///
  /// - Parameter ranges: What the channels' values were on the calibration pictures.
  mutating func equalize(_ ranges: [Point: Statistics]) {
    for i in layers.indices {
      switch layers[i].operation {
      case .pointwise(var matrix, relu: true, residual: nil):
        guard i + 1 < layers.count, case .depthwise(var filter) = layers[i + 1].operation,
          let statistics = ranges[.output(i)]
        else { continue }
        let factors = factors(statistics.magnitudes, exponent: 1)
        matrix.scaleOutputs(factors)
        filter.scaleInputs(factors.map { 1 / $0 })
        layers[i].operation = .pointwise(matrix, relu: true, residual: nil)
        layers[i + 1].operation = .depthwise(filter)

      case .depthwise(var filter):
        guard i + 1 < layers.count,
          case .pointwise(var matrix, let relu, let residual) = layers[i + 1].operation,
          let statistics = ranges[.output(i)]
        else { continue }
        let factors = factors(statistics.magnitudes, exponent: 0.5)
        filter.scaleOutputs(factors)
        matrix.scaleInputs(factors.map { 1 / $0 })
        layers[i].operation = .depthwise(filter)
        layers[i + 1].operation = .pointwise(matrix, relu: relu, residual: residual)

      case .patchMerge(var norm, var matrix):
        guard let statistics = ranges[.normalized(i)] else { continue }
        equalize(&norm, &matrix, statistics)
        layers[i].operation = .patchMerge(norm, matrix)

      case .head(var norm, var matrix):
        guard let statistics = ranges[.normalized(i)] else { continue }
        equalize(&norm, &matrix, statistics)
        layers[i].operation = .head(norm, matrix)

      case .patchEmbed, .pointwise, .mlp:
        continue
      }
    }
  }

  private func equalize(
    _ norm: inout FloatNorm, _ matrix: inout FloatMatrix, _ statistics: Statistics
  ) {
    let factors = factors(statistics.magnitudes, exponent: 0.5)
    for c in factors.indices {
      norm.gamma[c] *= factors[c]
      norm.beta[c] *= factors[c]
    }
    matrix.scaleInputs(factors.map { 1 / $0 })
  }

  /// (greatest magnitude / magnitude of the channel) ^ exponent, at most
  /// 2⁸ before the exponent: beyond that a channel is as good as dead.
  private func factors(_ magnitudes: [Float], exponent: Float) -> [Float] {
    let greatest = magnitudes.max() ?? 0
    return magnitudes.map { magnitude in
      guard magnitude > 0, greatest.isFinite else { return 1 }
      let ratio = min(greatest / magnitude, 256)
      return pow(ratio, exponent)
    }
  }
}

extension FloatFilter {
  /// Multiplies the taps of each channel, as if its input were divided.
  mutating func scaleInputs(_ factors: [Float]) {
    for i in weights.indices { weights[i] *= factors[i % channels] }
  }

  /// Multiplies the taps and the bias of each channel.
  mutating func scaleOutputs(_ factors: [Float]) {
    scaleInputs(factors)
    for c in bias.indices { bias[c] *= factors[c] }
  }
}
