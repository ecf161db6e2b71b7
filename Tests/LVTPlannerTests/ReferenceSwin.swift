// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport

/// Swin's block as its published code computes it: pad the map with zeros to whole windows, roll it, cut
/// it into windows, attend to keys of the same area, put the windows together, roll back, cut the padding off.
extension ReferenceDWNet {
  func swinBlock(_ x: Map, _ name: String) -> Map {
    let normalized = layerNorm(x, name + ".norm1")
    let isDepthwise = tensors[name + ".attn.position_bias"] != nil
    let attended =
      isDepthwise ? depthwiseAttention(normalized, name + ".attn") : attention(normalized, name)
    let y = add(x, attended)
    let hidden = gelu(linear(layerNorm(y, name + ".norm2"), name + ".mlp.fc1"))
    return add(y, linear(hidden, name + ".mlp.fc2"))
  }

  private func attention(_ unpadded: Map, _ name: String) -> Map {
    let window = min(spec.window, unpadded.height)
    let size = (unpadded.height + window - 1) / window * window
    let map = cut(unpadded, to: size)
    let isSecond = Int(name.split(separator: ".")[3]).map { $0 % 2 == 1 } ?? false
    let shift = isSecond && window < size ? window / 2 : 0
    let rolled = roll(map, by: -shift)
    var result = rolled
    for top in stride(from: 0, to: size, by: window) {
      for left in stride(from: 0, to: size, by: window) {
        var part = Map(window, window, map.channels)
        for y in 0..<window {
          for x in 0..<window {
            for c in 0..<map.channels { part[y, x, c] = rolled[top + y, left + x, c] }
          }
        }
        // Numbers of the nine areas between the slices (0, −window), (−window, −shift), (−shift, end).
        func area(_ i: Int) -> Int { i < size - window ? 0 : i < size - shift ? 1 : 2 }
        let areas = (0..<window * window).map { i in
          shift == 0 ? 0 : area(top + i / window) * 3 + area(left + i % window)
        }
        let attended = linear(heads(part, areas, name), name + ".attn.proj")
        for y in 0..<window {
          for x in 0..<window {
            for c in 0..<map.channels { result[top + y, left + x, c] = attended[y, x, c] }
          }
        }
      }
    }
    return cut(roll(result, by: shift), to: unpadded.height)
  }

  /// The first rows and columns, zeros where the map has none.
  private func cut(_ map: Map, to size: Int) -> Map {
    var result = Map(size, size, map.channels)
    for y in 0..<min(size, map.height) {
      for x in 0..<min(size, map.width) {
        for c in 0..<map.channels { result[y, x, c] = map[y, x, c] }
      }
    }
    return result
  }

  private func heads(_ part: Map, _ areas: [Int], _ name: String) -> Map {
    let qkv = linear(part, name + ".attn.qkv")
    let table = tensors[name + ".attn.relative_position_bias_table"]
    let heads = table?.shape[1] ?? 1, biases = table?.values ?? []
    let window = part.width, n = window * window, size = part.channels / heads
    func value(_ kind: Int, _ i: Int, _ head: Int, _ c: Int) -> Float {
      qkv[i / window, i % window, kind * part.channels + head * size + c]
    }
    var result = part
    for head in 0..<heads {
      for i in 0..<n {
        var scores = (0..<n).map { j in
          (0..<size).reduce(Float(0)) { $0 + value(0, i, head, $1) * value(1, j, head, $1) }
            / Float(size).squareRoot()
        }
        for j in 0..<n {
          let row = i / window - j / window + window - 1
          let column = i % window - j % window + window - 1
          scores[j] += biases[(row * (2 * window - 1) + column) * heads + head]
        }
        let weights = weights(scores, name + ".attn", row: head) { areas[i] == areas[$0] }
        for c in 0..<size {
          result[i / window, i % window, head * size + c] =
            (0..<n).reduce(Float(0)) { $0 + weights[$1] * value(2, $1, head, c) }
        }
      }
    }
    return result
  }

  private func roll(_ map: Map, by shift: Int) -> Map {
    var result = map
    let size = map.height
    for y in 0..<size {
      for x in 0..<size {
        for c in 0..<map.channels {
          result[(y + shift + size) % size, (x + shift + size) % size, c] = map[y, x, c]
        }
      }
    }
    return result
  }
}
