// SPDX-License-Identifier: Apache-2.0
internal import Foundation

// A per-tensor scale serves a channel badly whose values are much smaller than another's. Where a ReLU
// lies between two layers, ReLU(f · x) = f · ReLU(x) for f > 0, so a channel can be scaled up before it
// and down after it without changing the network ("cross-layer equalization", Nagel and others,
// arXiv 1906.04721). Depth-wise filters have a scale for each channel, so for them the change costs
// nothing at all: their input is equalized fully. A product that follows shares one scale among the
// inputs of an output, so its inputs are equalized in part. LayerNorm's gamma and beta take a
// factor as freely as a ReLU does.
//
// Attention leaves more freedom. A channel of the queries times f and of the keys over f gives the same
// scores; so does any constant taken off a channel of the keys, as it changes all scores of a query
// alike; and a constant in a channel of the values is the same constant in their weighted means. LayerNorm
// in the softmax's place sees such constants, for ReLU is before it and its weights do not sum to one.
// In a depth-wise attention queries, keys and values have a scale for each channel; only the product
// behind shares one among the channels of their weighted means.

extension Graph {
  /// Scales channels between nodes, and inside them, so that their ranges are alike; the graph computes the
  /// same.
  ///
  /// A value is scaled only where one node reads it and it is no result.
  ///
  /// - Parameter ranges: What the channels' values were on the calibration pictures.
  mutating func equalize(_ ranges: [Point: Statistics]) {
    for i in nodes.indices {
      let value = nodes[i].output
      if let reader = soleConsumer(of: value),
        let statistics = ranges[Point(value: value, role: .output)]
      {
        let factors = equalizingFactors(
          statistics.magnitudes, exponent: nodes[reader].operation.inputEqualization)
        var (scaled, next) = (nodes[i].operation, nodes[reader].operation)
        if scaled.scaleOutputs(factors), next.scaleInputs(factors.map { 1 / $0 }) {
          (nodes[i].operation, nodes[reader].operation) = (scaled, next)
        }
      }
      nodes[i].operation.equalizeInside { ranges[Point(value: value, role: $0)] }
    }
  }
}

/// Makes the channels between a LayerNorm and a product alike, in part.
func equalize(_ norm: inout FloatNorm, _ matrix: inout FloatMatrix, _ statistics: Statistics?) {
  guard let statistics else { return }
  let factors = equalizingFactors(statistics.magnitudes, exponent: 0.5)
  norm.scaleOutputs(factors)
  matrix.scaleInputs(factors.map { 1 / $0 })
}

/// (greatest magnitude / magnitude of the channel) ^ exponent, at most
/// 2⁸ before the exponent: beyond that a channel is as good as dead.
func equalizingFactors(_ magnitudes: [Float], exponent: Float) -> [Float] {
  let greatest = magnitudes.max() ?? 0
  return magnitudes.map { magnitude in
    guard magnitude > 0, greatest.isFinite else { return 1 }
    let ratio = min(greatest / magnitude, 256)
    return pow(ratio, exponent)
  }
}
