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
      let rows = WindowAxis(
        extent: shape.height, window: edge, shift: shift.rows, order: shift.order)
      let columns = WindowAxis(
        extent: shape.width, window: edge, shift: shift.columns, order: shift.order)
      // What pads the map was zero before the product, so it is the biases: one more row.
      let qkv = isPadding(shape) ? qkv + self.qkv.bias : qkv
      for top in stride(from: 0, to: rows.covered, by: edge) {
        for left in stride(from: 0, to: columns.covered, by: edge) {
          let places = (0..<edge * edge).map {
            Place(rows, top + $0 / edge, columns, left + $0 % edge)
          }
          for head in 0..<heads {
            for query in places where query.position < shape.positions {
              let keys = places.filter { $0.side == query.side }
              attend(query.position, keys.map { $0.position }, head, qkv, &result) {
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

  /// A row and a column of the rolled and padded map.
  private struct Place {
    let row, column: Int
    /// The position in the map, or the number of positions for padding.
    let position: Int
    /// Which side of the seams the place is on.
    let side: Int

    init(_ rows: WindowAxis, _ row: Int, _ columns: WindowAxis, _ column: Int) {
      self.row = row
      self.column = column
      if let y = rows.row(at: row), let x = columns.row(at: column) {
        position = y * columns.extent + x
      } else {
        position = rows.extent * columns.extent
      }
      side = (rows.isBehindSeam(row) ? 2 : 0) + (columns.isBehindSeam(column) ? 1 : 0)
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
