// SPDX-License-Identifier: Apache-2.0
import LVTPlanner

/// The heads of detectors and segmenters as their papers draw them: every map is made, nothing is folded.
struct ReferenceHeads {
  struct Map {
    let height, width, channels: Int
    var values: [Float]

    subscript(y: Int, x: Int, c: Int) -> Float { values[(y * width + x) * channels + c] }

    init(_ height: Int, _ width: Int, _ channels: Int, _ value: (Int, Int, Int) -> Float) {
      (self.height, self.width, self.channels) = (height, width, channels)
      values = []
      for y in 0..<height {
        for x in 0..<width {
          for c in 0..<channels { values.append(value(y, x, c)) }
        }
      }
    }

    init(_ height: Int, _ width: Int, _ channels: Int, _ values: [Float]) {
      (self.height, self.width, self.channels, self.values) = (height, width, channels, values)
    }
  }

  let tensors: [String: FloatTensor]

  private func values(_ name: String) -> [Float]? { tensors[name]?.values }

  // MARK: Parts

  /// A convolution with its bias, its BatchNorm and ReLU if they are there or asked for.
  func convolution(_ name: String, _ map: Map, stride: Int = 1, relu: Bool = false) -> Map {
    // A ConvModule, or a convolution of its own.
    let inner = values("\(name).conv.weight") == nil ? name : "\(name).conv"
    let weights = values("\(inner).weight") ?? [],
      kernel = tensors["\(inner).weight"]?.shape[2] ?? 1
    let outputs = tensors["\(inner).weight"]?.shape[0] ?? 0, pad = kernel / 2
    let bias = values("\(inner).bias")
    return Map((map.height - 1) / stride + 1, (map.width - 1) / stride + 1, outputs) { y, x, o in
      var sum = bias?[o] ?? 0
      for i in 0..<kernel {
        for j in 0..<kernel {
          let (v, u) = (y * stride + i - pad, x * stride + j - pad)
          guard (0..<map.height).contains(v), (0..<map.width).contains(u) else { continue }
          for c in 0..<map.channels {
            sum += weights[((o * map.channels + c) * kernel + i) * kernel + j] * map[v, u, c]
          }
        }
      }
      sum = batchNorm("\(name).bn", sum, o)
      return relu ? max(0, sum) : sum
    }
  }

  private func batchNorm(_ name: String, _ value: Float, _ channel: Int) -> Float {
    guard let mean = values("\(name).running_mean"), let variance = values("\(name).running_var"),
      let gamma = values("\(name).weight"), let beta = values("\(name).bias")
    else { return value }
    let deviation = (variance[channel] + 1e-5).squareRoot()
    return (value - mean[channel]) / deviation * gamma[channel] + beta[channel]
  }

  /// PyTorch's bilinear `interpolate`.
  func bilinear(_ map: Map, _ height: Int, _ width: Int) -> Map {
    func place(_ i: Int, _ extent: Int, _ grid: Int) -> (Int, Int, Float) {
      let s = max(0, (Float(i) + 0.5) * Float(extent) / Float(grid) - 0.5)
      let first = min(Int(s), extent - 1)
      return (first, min(first + 1, extent - 1), s - Float(first))
    }
    return Map(height, width, map.channels) { y, x, c in
      let (a, b, v) = place(y, map.height, height), (l, r, u) = place(x, map.width, width)
      let top = (1 - u) * map[a, l, c] + u * map[a, r, c]
      let bottom = (1 - u) * map[b, l, c] + u * map[b, r, c]
      return (1 - v) * top + v * bottom
    }
  }

  func nearest(_ map: Map, _ height: Int, _ width: Int) -> Map {
    Map(height, width, map.channels) { y, x, c in
      map[y * map.height / height, x * map.width / width, c]
    }
  }

  private func mean(_ map: Map, bins: Int) -> Map {
    func range(_ i: Int, _ extent: Int) -> Range<Int> {
      i * extent / bins..<((i + 1) * extent + bins - 1) / bins
    }
    return Map(bins, bins, map.channels) { i, j, c in
      let rows = range(i, map.height), columns = range(j, map.width)
      let sum = rows.reduce(Float(0)) { sum, y in
        columns.reduce(sum) { $0 + map[y, $1, c] }
      }
      return sum / Float(rows.count * columns.count)
    }
  }

  private func sum(_ a: Map, _ b: Map) -> Map {
    Map(a.height, a.width, a.channels, zip(a.values, b.values).map { $0 + $1 })
  }

  private func joined(_ maps: [Map]) -> Map {
    let owners = maps.flatMap { map in (0..<map.channels).map { (map, $0) } }
    return Map(maps[0].height, maps[0].width, owners.count) { y, x, c in
      owners[c].0[y, x, owners[c].1]
    }
  }

  /// The stages behind their norms.
  private func normalized(_ stages: [Map]) -> [Map] {
    stages.enumerated().map { i, map in
      Map(map.height, map.width, map.channels) { y, x, c in
        batchNorm("norm\(i)", map[y, x, c], c)
      }
    }
  }

  // MARK: Heads

  /// UPerNet's logits of what stages end with.
  func upperNet(_ ends: [Map]) -> Map {
    let stages = normalized(ends), head = "decode_head", top = stages[stages.count - 1]
    let pooled = [1, 2, 3, 6].enumerated().map { i, bins in
      bilinear(
        convolution("\(head).psp_modules.\(i).1", mean(top, bins: bins), relu: true), top.height,
        top.width)
    }
    var sums = [convolution("\(head).bottleneck", joined([top] + pooled), relu: true)]
    for i in stride(from: stages.count - 2, through: 0, by: -1) {
      let lateral = convolution("\(head).lateral_convs.\(i)", stages[i], relu: true)
      sums.insert(sum(lateral, bilinear(sums[0], lateral.height, lateral.width)), at: 0)
    }
    let maps = sums.enumerated().map { i, map in
      let made =
        i < sums.count - 1 ? convolution("\(head).fpn_convs.\(i)", map, relu: true) : map
      return bilinear(made, sums[0].height, sums[0].width)
    }
    return convolution(
      "\(head).conv_seg",
      convolution("\(head).fpn_bottleneck", joined(maps), relu: true))
  }

  /// Semantic FPN's logits of what stages end with.
  func semanticFPN(_ ends: [Map]) -> Map {
    let head = "decode_head", pyramid = pyramid(normalized(ends))
    let scaled = pyramid.enumerated().map { level, map in
      var map = map
      for i in 0..<max(1, level) {
        map = convolution("\(head).scale_heads.\(level).\(2 * i)", map, relu: true)
        if level > 0 { map = bilinear(map, 2 * map.height, 2 * map.width) }
      }
      return map
    }
    let total = scaled.dropFirst().reduce(scaled[0]) {
      sum($0, bilinear($1, $0.height, $0.width))
    }
    return convolution("\(head).conv_seg", total)
  }

  /// The levels of an FPN, one for each map.
  private func pyramid(_ maps: [Map]) -> [Map] {
    var sums: [Map] = []
    for k in stride(from: maps.count - 1, through: 0, by: -1) {
      let lateral = convolution("neck.lateral_convs.\(k)", maps[k])
      sums.insert(
        sums.first.map { sum(lateral, nearest($0, lateral.height, lateral.width)) } ?? lateral,
        at: 0)
    }
    return sums.enumerated().map { convolution("neck.fpn_convs.\($0)", $1) }
  }

  /// RetinaNet's class and box maps of every level, over a pyramid from the second stage on whose further
  /// levels read the last one.
  func retina(_ ends: [Map], levels: Int) -> [(classes: Map, boxes: Map)] {
    let stages = Array(normalized(ends).dropFirst())
    var pyramid = pyramid(stages)
    for k in stages.count..<levels {
      let source = k == stages.count ? stages[stages.count - 1] : pyramid[k - 1]
      pyramid.append(convolution("neck.fpn_convs.\(k)", source, stride: 2))
    }
    return pyramid.map { level in
      func tower(_ part: String) -> Map {
        convolution(
          "bbox_head.retina_\(part)",
          convolution("bbox_head.\(part)_convs.0", level, relu: true))
      }
      return (classes: tower("cls"), boxes: tower("reg"))
    }
  }
}
