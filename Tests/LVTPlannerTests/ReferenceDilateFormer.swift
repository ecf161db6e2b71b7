// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport

/// DilateFormer as its paper describes it: unfolded neighbourhoods with zeros around the map, no folding,
/// loops only. Linear layers and norms are those of ``ReferenceDWNet``.
extension ReferenceDWNet {
  func dilateFormerLogits(_ input: [Float]) -> [Float] {
    var map = Map(spec.size.height, spec.size.width, 3)
    map.values = input
    for i in 0..<4 {
      map = convolution(map, "patch_embed.proj.\(3 * i)", stride: i % 2 == 0 ? 1 : 2)
      if i < 3 { map = gelu(batchNorm(map, "patch_embed.proj.\(3 * i + 1)")) }
    }
    for (stage, depth) in spec.depths.enumerated() {
      for i in 0..<depth { map = dilateFormerBlock(map, stage, "stages.\(stage).blocks.\(i)") }
      if stage < spec.depths.count - 1 {
        let name = "stages.\(stage).downsample.proj"
        map = batchNorm(convolution(map, name + ".0", stride: 2), name + ".1")
      }
    }
    return linear(mean(layerNorm(map, "norm", epsilon: 1e-6)), "head").values
  }

  private func dilateFormerBlock(_ x: Map, _ stage: Int, _ name: String) -> Map {
    let p = add(x, convolution(x, name + ".pos_embed", stride: 1))
    let normalized = layerNorm(p, name + ".norm1", epsilon: 1e-6)
    let qkv = linear(normalized, name + ".attn.qkv")
    let heads = (spec.heads ?? 1) << stage
    let attended =
      stage < (spec.dilatedStages ?? 0) ? dilated(qkv, heads) : global(qkv, heads)
    let y = add(p, linear(attended, name + ".attn.proj"))
    let hidden = gelu(
      linear(layerNorm(y, name + ".norm2", epsilon: 1e-6), name + ".mlp.fc1"))
    return add(y, linear(hidden, name + ".mlp.fc2"))
  }

  /// 3 × 3 with zeros around the map; depth-wise if the weights have one input channel of several.
  private func convolution(_ map: Map, _ name: String, stride: Int) -> Map {
    let weights = values(name + ".weight"), bias = values(name + ".bias")
    let outputs = tensors[name + ".weight"]?.shape[0] ?? 0
    let inputs = tensors[name + ".weight"]?.shape[1] ?? 0
    var result = Map((map.height + stride - 1) / stride, (map.width + stride - 1) / stride, outputs)
    for y in 0..<result.height {
      for x in 0..<result.width {
        for o in 0..<outputs {
          var sum = bias.isEmpty ? 0 : bias[o]
          for i in 0..<inputs {
            for (dy, dx) in (0..<9).map({ ($0 / 3, $0 % 3) }) {
              let row = y * stride + dy - 1, column = x * stride + dx - 1
              guard (0..<map.height).contains(row), (0..<map.width).contains(column) else {
                continue
              }
              let channel = inputs < map.channels ? o : i
              sum += weights[(o * inputs + i) * 9 + dy * 3 + dx] * map[row, column, channel]
            }
          }
          result[y, x, o] = sum
        }
      }
    }
    return result
  }

  /// Groups of channels, each padded with zeros by its dilation before it is unfolded.
  private func dilated(_ qkv: Map, _ heads: Int) -> Map {
    let channels = qkv.channels / 3, group = channels / 3, size = channels / heads
    var result = Map(qkv.height, qkv.width, channels)
    for dilation in 1...3 {
      var padded = Map(qkv.height + 2 * dilation, qkv.width + 2 * dilation, qkv.channels)
      for y in 0..<qkv.height {
        for x in 0..<qkv.width {
          for c in 0..<qkv.channels { padded[y + dilation, x + dilation, c] = qkv[y, x, c] }
        }
      }
      for first in stride(from: (dilation - 1) * group, to: dilation * group, by: size) {
        for y in 0..<qkv.height {
          for x in 0..<qkv.width {
            let neighbours = (0..<9).map { (y + $0 / 3 * dilation, x + $0 % 3 * dilation) }
            let scores = neighbours.map { row, column in
              (first..<first + size).reduce(Float(0)) {
                $0 + qkv[y, x, $1] * padded[row, column, channels + $1]
              } / Float(size).squareRoot()
            }
            let weights = softmax(scores)
            for c in first..<first + size {
              result[y, x, c] = zip(neighbours, weights).reduce(0) {
                $0 + $1.1 * padded[$1.0.0, $1.0.1, 2 * channels + c]
              }
            }
          }
        }
      }
    }
    return result
  }

  private func global(_ qkv: Map, _ heads: Int) -> Map {
    let channels = qkv.channels / 3, size = channels / heads, n = qkv.height * qkv.width
    func value(_ part: Int, _ position: Int, _ c: Int) -> Float {
      qkv[position / qkv.width, position % qkv.width, part * channels + c]
    }
    var result = Map(qkv.height, qkv.width, channels)
    for first in stride(from: 0, to: channels, by: size) {
      for i in 0..<n {
        let scores = (0..<n).map { j in
          (first..<first + size).reduce(Float(0)) { $0 + value(0, i, $1) * value(1, j, $1) }
            / Float(size).squareRoot()
        }
        let weights = softmax(scores)
        for c in first..<first + size {
          result[i / qkv.width, i % qkv.width, c] =
            (0..<n).reduce(Float(0)) { $0 + weights[$1] * value(2, $1, c) }
        }
      }
    }
    return result
  }

  private func softmax(_ scores: [Float]) -> [Float] {
    let exponentials = scores.map { exp($0) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
  }
}
