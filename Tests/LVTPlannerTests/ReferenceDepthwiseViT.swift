// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport

/// What the depth-wise ViT adds to Swin, as tools/train/transformer.py computes it: attention of each
/// channel to the neighbours of a position, and ReLU and LayerNorm in the softmax's place.
extension ReferenceDWNet {
  /// The weights of all keys for the scores of one query of a head or channel.
  ///
  /// - Parameter isSeen: Whether the query sees a key.
  func weights(
    _ scores: [Float], _ attention: String, row: Int, isSeen: (Int) -> Bool = { _ in true }
  ) -> [Float] {
    let seen = scores.indices.filter(isSeen)
    var weights = [Float](repeating: 0, count: scores.count)
    guard let gamma = tensors[attention + ".key_norm.weight"]?.values else {
      let total = seen.reduce(Float(0)) { $0 + exp(scores[$1]) }
      for key in seen { weights[key] = exp(scores[key]) / total }
      return weights
    }
    let beta = values(attention + ".key_norm.bias")
    let positive = scores.map { max($0, 0) }, count = Float(seen.count)
    let mean = seen.reduce(0) { $0 + positive[$1] } / count
    let variance = seen.reduce(0) { $0 + pow(positive[$1] - mean, 2) } / count
    for key in seen {
      weights[key] =
        (positive[key] - mean) / (variance + 1e-5).squareRoot() * gamma[row] + beta[row]
    }
    return weights
  }

  func depthwiseAttention(_ map: Map, _ name: String) -> Map {
    let qkv = linear(map, name + ".qkv"), n = map.channels
    let bias = values(name + ".position_bias"), scale = values(name + ".channel_scale")
    let kernel = spec.window, pad = kernel / 2
    var result = map
    for y in 0..<map.height {
      for x in 0..<map.width {
        for c in 0..<n {
          // Zeros outside take part.
          func neighbour(_ i: Int, _ part: Int) -> Float {
            let (v, u) = (y + i / kernel - pad, x + i % kernel - pad)
            guard (0..<map.height).contains(v), (0..<map.width).contains(u) else { return 0 }
            return qkv[v, u, part * n + c]
          }
          let scores = (0..<kernel * kernel).map { i in
            scale[c] * qkv[y, x, c] * neighbour(i, 1) + bias[c * kernel * kernel + i]
          }
          let weights = weights(scores, name, row: c)
          result[y, x, c] = weights.indices.reduce(0) { $0 + weights[$1] * neighbour($1, 2) }
        }
      }
    }
    return linear(result, name + ".proj")
  }
}
