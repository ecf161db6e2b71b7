// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import Foundation
internal import LVTModel

extension FloatAttention {
  /// Queries (0), keys (1) or values (2) alone, of rows that hold all three.
  func part(_ index: Int, of qkv: [Float]) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(qkv.count / 3)
    for start in stride(from: index * channels, to: qkv.count, by: 3 * channels) {
      values += qkv[start..<start + channels]
    }
    return values
  }

  /// The weighted means of the values, positions × channels.
  func attended(_ qkv: [Float], _ shape: Shape) -> [Float] {
    var result = [Float](repeating: 0, count: shape.positions * channels)
    switch reach {
    case .window(let edge, let shift, let bias):
      let covered = Shape(
        height: (shape.height + edge - 1) / edge * edge,
        width: (shape.width + edge - 1) / edge * edge, channels: shape.channels)
      // What is behind the map's end was zero before the product, so it is the biases: one more row.
      let qkv = covered == shape ? qkv : qkv + self.qkv.bias
      for top in stride(from: shift, to: covered.height + shift, by: edge) {
        for left in stride(from: shift, to: covered.width + shift, by: edge) {
          let places = Place.places(top..<top + edge, left..<left + edge)
          for head in 0..<heads {
            for query in places {
              let position = query.position(in: shape, covered)
              guard position < shape.positions else { continue }
              let keys = places.filter { $0.isOnOneSide(as: query, of: covered) }
              attend(
                position, keys.map { $0.position(in: shape, covered) }, head, qkv, &result
              ) {
                guard !bias.isEmpty else { return 0 }
                let row = keys[$0].row - query.row + edge - 1
                let column = keys[$0].column - query.column + edge - 1
                return bias[(head * (2 * edge - 1) + row) * (2 * edge - 1) + column]
              }
            }
          }
        }
      }
    case .map:
      let keys = (0..<shape.positions).map { Optional($0) }
      for head in 0..<heads {
        for query in 0..<shape.positions { attend(query, keys, head, qkv, &result) }
      }
    case .dilated(let groups):
      for head in 0..<heads {
        let distance = head / (heads / groups) + 1
        for query in 0..<shape.positions {
          let keys = (0..<9).map { i -> Int? in
            let row = query / shape.width + (i / 3 - 1) * distance
            let column = query % shape.width + (i % 3 - 1) * distance
            let isInside =
              (0..<shape.height).contains(row) && (0..<shape.width).contains(column)
            return isInside ? row * shape.width + column : nil
          }
          attend(query, keys, head, qkv, &result)
        }
      }
    case .neighbours(let kernel, let bias):
      var weights = [Float](repeating: 0, count: kernel * kernel * channels)
      lvtf_depthwise_attention(
        qkv, shape.height, shape.width, channels, kernel, bias, keyNorm?.gamma, keyNorm?.beta,
        keyNorm?.epsilon ?? 0, &weights, &result)
    }
    return result
  }

  /// A row and a column; beyond the end of what the windows cover they go on at the map's start.
  private struct Place {
    let row, column: Int

    static func places(_ rows: Range<Int>, _ columns: Range<Int>) -> [Place] {
      rows.flatMap { row in columns.map { Place(row: row, column: $0) } }
    }

    /// The position in the map, or the number of positions if the map does not have it.
    func position(in shape: Shape, _ covered: Shape) -> Int {
      let row = row % covered.height, column = column % covered.width
      return row < shape.height && column < shape.width
        ? row * shape.width + column : shape.positions
    }

    func isOnOneSide(as other: Place, of shape: Shape) -> Bool {
      row / shape.height == other.row / shape.height
        && column / shape.width == other.column / shape.width
    }
  }

  /// One query of one head.
  ///
  /// - Parameters:
  ///   - keys: Positions, or nil for zeros.
  ///   - bias: What is added to the score of a key.
  private func attend(
    _ query: Int, _ keys: [Int?], _ head: Int, _ qkv: [Float], _ result: inout [Float],
    bias: (Int) -> Float = { _ in 0 }
  ) {
    let first = head * headChannels, size = headChannels, width = channels
    var weights = [Float](repeating: 0, count: keys.count)
    qkv.withUnsafeBufferPointer { qkv in
      result.withUnsafeMutableBufferPointer { result in
        let q = query * 3 * width + first, out = query * width + first
        for (i, key) in keys.enumerated() {
          var sum: Float = 0
          if let key {
            let k = (key * 3 + 1) * width + first
            for c in 0..<size { sum += qkv[q + c] * qkv[k + c] }
          }
          weights[i] = sum * scale + bias(i)
        }
        if let keyNorm {
          normalize(&weights, keyNorm, head)
        } else {
          softmax(&weights)
        }
        for (key, weight) in zip(keys, weights) {
          guard let key else { continue }
          let v = (key * 3 + 2) * width + first
          for c in 0..<size { result[out + c] += weight * qkv[v + c] }
        }
      }
    }
  }

  private func softmax(_ scores: inout [Float]) {
    let greatest = scores.max() ?? 0
    for i in scores.indices { scores[i] = exp(scores[i] - greatest) }
    let total = scores.reduce(0, +)
    for i in scores.indices { scores[i] /= total }
  }

  private func normalize(_ scores: inout [Float], _ norm: FloatNorm, _ head: Int) {
    let count = Float(scores.count)
    for i in scores.indices { scores[i] = max(scores[i], 0) }
    let mean = scores.reduce(0, +) / count
    let variance = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let factor = norm.gamma[head] / (variance + norm.epsilon).squareRoot()
    for i in scores.indices { scores[i] = (scores[i] - mean) * factor + norm.beta[head] }
  }
}
