// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTPlanner
import LVTTestSupport

/// The static, the dynamic and the inhomogeneous DWNet, and what Swin and DilateFormer share with them, as their papers draw them: no folding,
/// no packing, loops only.
struct ReferenceDWNet {
  struct Map {
    var height, width, channels: Int
    var values: [Float]

    subscript(y: Int, x: Int, c: Int) -> Float {
      get { values[(y * width + x) * channels + c] }
      set { values[(y * width + x) * channels + c] = newValue }
    }

    init(_ height: Int, _ width: Int, _ channels: Int) {
      (self.height, self.width, self.channels) = (height, width, channels)
      values = [Float](repeating: 0, count: height * width * channels)
    }
  }

  let tensors: [String: FloatTensor]
  let spec: TinyNetwork

  init(_ tensors: [String: FloatTensor], _ spec: TinyNetwork) {
    self.tensors = tensors
    self.spec = spec
  }

  func values(_ name: String) -> [Float] { tensors[name]?.values ?? [] }

  func logits(_ input: [Float]) -> [Float] {
    var map = patches(input)
    for (stage, depth) in spec.depths.enumerated() {
      for i in 0..<depth { map = block(map, "layers.\(stage).blocks.\(i)") }
      if stage < spec.depths.count - 1 { map = merge(map, "layers.\(stage).downsample") }
    }
    return linear(mean(layerNorm(map, "norm")), "head").values
  }

  private func patches(_ input: [Float]) -> Map {
    let p = spec.patch, side = spec.input / p
    var map = Map(side, side, spec.embed)
    let w = values("patch_embed.proj.weight"), b = values("patch_embed.proj.bias")
    for y in 0..<side {
      for x in 0..<side {
        for o in 0..<spec.embed {
          var sum = b[o]
          for c in 0..<3 {
            for i in 0..<p {
              for j in 0..<p {
                sum +=
                  w[((o * 3 + c) * p + i) * p + j]
                  * input[((y * p + i) * spec.input + x * p + j) * 3 + c]
              }
            }
          }
          map[y, x, o] = sum
        }
      }
    }
    return layerNorm(map, "patch_embed.norm")
  }

  private func block(_ x: Map, _ name: String) -> Map {
    if spec.heads != nil { return swinBlock(x, name) }
    let conv = name + ".attn2conv"
    var t = relu(batchNorm(linear(x, conv + ".conv0"), conv + ".bn0"))
    t = spec.groups == nil ? depthwise(t, conv + ".conv") : inhomogeneous(t, conv + ".conv")
    t = relu(batchNorm(t, conv + ".bn"))
    t = batchNorm(linear(t, conv + ".conv2"), conv + ".bn2")
    let y = add(x, t)
    var h = linear(batchNorm(y, name + ".bn"), name + ".mlp.fc1")
    h = gelu(h)
    return add(y, linear(h, name + ".mlp.fc2"))
  }

  func gelu(_ map: Map) -> Map {
    var result = map
    result.values = map.values.map { $0 / 2 * (1 + Float(erf(Double($0) / 2.0.squareRoot()))) }
    return result
  }

  private func merge(_ map: Map, _ name: String) -> Map {
    var gathered = Map(map.height / 2, map.width / 2, 4 * map.channels)
    for y in 0..<gathered.height {
      for x in 0..<gathered.width {
        for c in 0..<map.channels {
          gathered[y, x, c] = map[2 * y, 2 * x, c]
          gathered[y, x, map.channels + c] = map[2 * y + 1, 2 * x, c]
          gathered[y, x, 2 * map.channels + c] = map[2 * y, 2 * x + 1, c]
          gathered[y, x, 3 * map.channels + c] = map[2 * y + 1, 2 * x + 1, c]
        }
      }
    }
    return linear(layerNorm(gathered, name + ".norm"), name + ".reduction")
  }

  func linear(_ map: Map, _ name: String) -> Map {
    let w = values(name + ".weight"), outputs = w.count / map.channels
    let b = tensors[name + ".bias"]?.values ?? [Float](repeating: 0, count: outputs)
    var result = Map(map.height, map.width, outputs)
    for y in 0..<map.height {
      for x in 0..<map.width {
        for o in 0..<outputs {
          result[y, x, o] = (0..<map.channels).reduce(b[o]) {
            $0 + w[o * map.channels + $1] * map[y, x, $1]
          }
        }
      }
    }
    return result
  }

  private func depthwise(_ map: Map, _ name: String) -> Map {
    let k = spec.window, pad = k / 2
    let w = spec.isDynamic ? taps(map, name) : values(name + ".weight")
    let b = values(name + ".bias")
    var result = map
    for y in 0..<map.height {
      for x in 0..<map.width {
        for c in 0..<map.channels {
          var sum = b[c]
          for i in 0..<k {
            for j in 0..<k {
              let (v, u) = (y + i - pad, x + j - pad)
              guard (0..<map.height).contains(v), (0..<map.width).contains(u) else { continue }
              sum += w[(c * k + i) * k + j] * map[v, u, c]
            }
          }
          result[y, x, c] = sum
        }
      }
    }
    return result
  }

  /// Every position with taps of its own; those of group g are columns g · K² and on.
  private func inhomogeneous(_ map: Map, _ name: String) -> Map {
    let k = spec.window, pad = k / 2
    let hidden = relu(batchNorm(linear(map, name + ".conv1.0"), name + ".conv1.1"))
    let taps = linear(hidden, name + ".conv2.0")
    let groupChannels = map.channels * k * k / taps.channels
    var result = map
    for y in 0..<map.height {
      for x in 0..<map.width {
        for c in 0..<map.channels {
          var sum: Float = 0
          for i in 0..<k {
            for j in 0..<k {
              let (v, u) = (y + i - pad, x + j - pad)
              guard (0..<map.height).contains(v), (0..<map.width).contains(u) else { continue }
              sum += taps[y, x, c / groupChannels * k * k + i * k + j] * map[v, u, c]
            }
          }
          result[y, x, c] = sum
        }
      }
    }
    return result
  }

  private func taps(_ map: Map, _ name: String) -> [Float] {
    let hidden = relu(batchNorm(linear(mean(map), name + ".conv1"), name + ".bn"))
    return linear(hidden, name + ".conv2").values
  }

  func mean(_ map: Map) -> Map {
    var mean = Map(1, 1, map.channels)
    for y in 0..<map.height {
      for x in 0..<map.width {
        for c in 0..<map.channels {
          mean[0, 0, c] += map[y, x, c] / Float(map.height * map.width)
        }
      }
    }
    return mean
  }

  func batchNorm(_ map: Map, _ name: String) -> Map {
    let g = values(name + ".weight"), b = values(name + ".bias")
    let mean = values(name + ".running_mean"), variance = values(name + ".running_var")
    var result = map
    for i in map.values.indices {
      let c = i % map.channels
      result.values[i] =
        (map.values[i] - mean[c]) / (variance[c] + 1e-5).squareRoot() * g[c] + b[c]
    }
    return result
  }

  func layerNorm(_ map: Map, _ name: String, epsilon: Float = 1e-5) -> Map {
    let g = values(name + ".weight"), b = values(name + ".bias"), n = map.channels
    var result = map
    for i in stride(from: 0, to: map.values.count, by: n) {
      let row = map.values[i..<i + n]
      let mean = row.reduce(0, +) / Float(n)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(n)
      for c in 0..<n {
        result.values[i + c] = (row[i + c] - mean) / (variance + epsilon).squareRoot() * g[c] + b[c]
      }
    }
    return result
  }

  private func relu(_ map: Map) -> Map {
    var result = map
    result.values = map.values.map { max(0, $0) }
    return result
  }

  func add(_ a: Map, _ b: Map) -> Map {
    var result = a
    for i in a.values.indices { result.values[i] += b.values[i] }
    return result
  }
}
