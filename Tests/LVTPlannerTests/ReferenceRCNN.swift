// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTPlanner

/// Two-stage detectors as their papers draw them: every map is made, every sample is taken, in double precision.
struct ReferenceRCNN {
  typealias Map = ReferenceHeads.Map

  struct Region {
    var box: [Double]
    var score: Double
    var level = 0
    var classIndex = 0
  }

  let heads: ReferenceHeads
  let strides: [Int]
  let classes: Int
  let picture: (width: Double, height: Double)

  private func values(_ name: String) -> [Float] { heads.tensors[name]?.values ?? [] }

  /// What a layer makes of a row.
  private func product(_ name: String, _ row: [Double], relu: Bool = false) -> [Double] {
    let weights = values("\(name).weight")
    return values("\(name).bias").enumerated().map { o, bias in
      var sum = Double(bias)
      for (i, value) in row.enumerated() { sum += Double(weights[o * row.count + i]) * value }
      return relu ? max(0, sum) : sum
    }
  }

  func decode(_ box: [Double], _ offsets: [Double], _ stds: [Double]) -> [Double] {
    let limit = log(1000.0 / 16), (w, h) = (box[2] - box[0], box[3] - box[1])
    let d = zip(offsets, stds).map { $0 * $1 }
    let x = (box[0] + box[2]) / 2 + w * d[0], y = (box[1] + box[3]) / 2 + h * d[1]
    let width = w * exp(max(-limit, min(limit, d[2])))
    let height = h * exp(max(-limit, min(limit, d[3])))
    let edges = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    let ends = [picture.width, picture.height, picture.width, picture.height]
    return zip(edges, ends).map { max(0, min($1, $0)) }
  }

  static func overlap(_ a: [Double], _ b: [Double]) -> Double {
    let w = max(0, min(a[2], b[2]) - max(a[0], b[0])), h = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    func area(_ box: [Double]) -> Double { (box[2] - box[0]) * (box[3] - box[1]) }
    return w * h / (area(a) + area(b) - w * h)
  }

  /// Those that no better one of their group covers, the best first.
  private func suppressed(
    _ all: [Region], _ overlap: Double, _ group: (Region) -> Int
  ) -> [Region] {
    var kept: [Region] = []
    for region in all.sorted(by: { $0.score > $1.score })
    where !kept.contains(where: {
      group($0) == group(region) && Self.overlap($0.box, region.box) > overlap
    }) {
      kept.append(region)
    }
    return kept
  }

  func proposals(_ levels: [Map], scale: Double, count: Int) -> [Region] {
    var all: [Region] = []
    for (level, map) in levels.enumerated() {
      let hidden = heads.convolution("rpn_head.rpn_conv", map, relu: true)
      let logits = heads.convolution("rpn_head.rpn_cls", hidden)
      let offsets = heads.convolution("rpn_head.rpn_reg", hidden)
      for y in 0..<map.height {
        for x in 0..<map.width {
          for (a, ratio) in [0.5, 1, 2].enumerated() {
            let side = scale * Double(strides[level])
            let (w, h) = (side / ratio.squareRoot(), side * ratio.squareRoot())
            let (cx, cy) = (Double(x * strides[level]), Double(y * strides[level]))
            let box = decode(
              [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2],
              (0..<4).map { Double(offsets[y, x, 4 * a + $0]) }, [1, 1, 1, 1])
            guard box[2] > box[0], box[3] > box[1] else { continue }
            all.append(Region(box: box, score: Double(logits[y, x, a]), level: level))
          }
        }
      }
    }
    return Array(suppressed(all, 0.7) { $0.level }.prefix(count))
  }

  /// Cells of a box: row, column, channel.
  func cells(_ box: [Double], _ levels: [Map], side: Int) -> Map {
    let area = (box[2] - box[0]) * (box[3] - box[1])
    let k = max(0, min(levels.count - 1, Int(floor(log2(area.squareRoot() / 56 + 1e-6)))))
    let map = levels[k], stride = Double(strides[k])
    let start = [box[1] / stride - 0.5, box[0] / stride - 0.5]
    let length = [(box[3] - box[1]) / stride, (box[2] - box[0]) / stride]
    let samples = length.map { Int(ceil($0 / Double(side))) }
    func sample(_ y: Double, _ x: Double, _ c: Int) -> Double {
      guard y >= -1, y <= Double(map.height), x >= -1, x <= Double(map.width) else { return 0 }
      func place(_ v: Double, _ n: Int) -> (Int, Int, Double) {
        let first = Int(max(v, 0))
        return first >= n - 1 ? (n - 1, n - 1, 0) : (first, first + 1, max(v, 0) - Double(first))
      }
      let (a, b, v) = place(y, map.height), (l, r, u) = place(x, map.width)
      return (1 - v) * ((1 - u) * Double(map[a, l, c]) + u * Double(map[a, r, c]))
        + v * ((1 - u) * Double(map[b, l, c]) + u * Double(map[b, r, c]))
    }
    return Map(side, side, map.channels) { i, j, c in
      var sum = 0.0
      for p in 0..<samples[0] {
        for q in 0..<samples[1] {
          sum += sample(
            start[0] + (Double(i) + (Double(p) + 0.5) / Double(samples[0])) * length[0]
              / Double(side),
            start[1] + (Double(j) + (Double(q) + 0.5) / Double(samples[1])) * length[1]
              / Double(side),
            c)
        }
      }
      return Float(sum / Double(max(1, samples[0] * samples[1])))
    }
  }

  /// Logits and offsets of a region.
  func said(_ head: String, _ box: [Double], _ levels: [Map]) -> ([Double], [Double]) {
    var map = cells(box, levels, side: 7), i = 0
    while heads.tensors["\(head).shared_convs.\(i).conv.weight"] != nil {
      map = heads.convolution("\(head).shared_convs.\(i)", map, relu: true)
      i += 1
    }
    var row = (0..<map.channels).flatMap { c in
      (0..<49).map { Double(map[$0 / 7, $0 % 7, c]) }
    }
    i = 0
    while heads.tensors["\(head).shared_fcs.\(i).weight"] != nil {
      row = product("\(head).shared_fcs.\(i)", row, relu: true)
      i += 1
    }
    return (product("\(head).fc_cls", row), product("\(head).fc_reg", row))
  }

  static let stds = [[0.1, 0.1, 0.2, 0.2], [0.05, 0.05, 0.1, 0.1]]

  func boxes(_ proposals: [Region], _ levels: [Map], stages: Int, count: Int) -> [Region] {
    var candidates: [Region] = []
    for proposal in proposals {
      var box = proposal.box, sum = [Double](repeating: 0, count: classes + 1)
      for stage in 0..<stages {
        let head = "roi_head.bbox_head" + (stages > 1 ? ".\(stage)" : "")
        let (logits, offsets) = said(head, box, levels)
        for k in sum.indices { sum[k] += logits[k] / Double(stages) }
        func moved(_ k: Int) -> [Double] {
          let first = offsets.count == 4 ? 0 : 4 * k
          return decode(box, Array(offsets[first..<first + 4]), Self.stds[stage])
        }
        if stage + 1 < stages {
          box = moved(logits[..<classes].firstIndex(of: logits[..<classes].max() ?? 0) ?? 0)
          continue
        }
        let total = sum.reduce(0) { $0 + exp($1) }
        for k in 0..<classes where exp(sum[k]) / total > 0.05 {
          candidates.append(Region(box: moved(k), score: exp(sum[k]) / total, classIndex: k))
        }
      }
    }
    return Array(suppressed(candidates, 0.5) { $0.classIndex }.prefix(count))
  }

  /// The probabilities of a box, 28 × 28.
  func mask(_ region: Region, _ levels: [Map], stages: Int) -> [Double] {
    var sum = [Double](repeating: 0, count: 28 * 28)
    for stage in 0..<stages {
      let head = "roi_head.mask_head" + (stages > 1 ? ".\(stage)" : "")
      var map = cells(region.box, levels, side: 14), i = 0
      while heads.tensors["\(head).convs.\(i).conv.weight"] != nil {
        map = heads.convolution("\(head).convs.\(i)", map, relu: true)
        i += 1
      }
      let weights = values("\(head).upsample.weight"), bias = values("\(head).upsample.bias")
      let last = values("\(head).conv_logits.weight"), rows = last.count / bias.count
      let k = rows == 1 ? 0 : region.classIndex
      for y in 0..<28 {
        for x in 0..<28 {
          var logit = Double(values("\(head).conv_logits.bias")[k])
          for m in bias.indices {
            var value = Double(bias[m])
            for c in 0..<map.channels {
              value +=
                Double(map[y / 2, x / 2, c])
                * Double(weights[((c * bias.count + m) * 2 + y % 2) * 2 + x % 2])
            }
            logit += max(0, value) * Double(last[k * bias.count + m])
          }
          sum[y * 28 + x] += 1 / (1 + exp(-logit)) / Double(stages)
        }
      }
    }
    return sum
  }
}
