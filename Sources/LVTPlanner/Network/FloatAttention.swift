// SPDX-License-Identifier: Apache-2.0
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
    for top in stride(from: shift, to: shape.height + shift, by: window) {
      for left in stride(from: shift, to: shape.width + shift, by: window) {
        let rows = top..<top + window, columns = left..<left + window
        for head in 0..<heads {
          for query in Self.places(rows, columns) {
            attend(query, Self.places(rows, columns), head, qkv, shape, &result)
          }
        }
      }
    }
    return result
  }

  /// A row and a column; beyond the map's end they go on at its start.
  private struct Place {
    let row, column: Int

    func position(in shape: Shape) -> Int {
      row % shape.height * shape.width + column % shape.width
    }

    func isOnOneSide(as other: Place, of shape: Shape) -> Bool {
      row / shape.height == other.row / shape.height
        && column / shape.width == other.column / shape.width
    }
  }

  private static func places(_ rows: Range<Int>, _ columns: Range<Int>) -> [Place] {
    rows.flatMap { row in columns.map { Place(row: row, column: $0) } }
  }

  private func attend(
    _ query: Place, _ places: [Place], _ head: Int, _ qkv: [Float], _ shape: Shape,
    _ result: inout [Float]
  ) {
    let first = head * headChannels, edge = 2 * window - 1
    let keys = places.filter { $0.isOnOneSide(as: query, of: shape) }
    let q = query.position(in: shape) * 3 * channels + first
    let scores = keys.map { key -> Float in
      let k = (key.position(in: shape) * 3 + 1) * channels + first
      var sum: Float = 0
      for c in 0..<headChannels { sum += qkv[q + c] * qkv[k + c] }
      guard !bias.isEmpty else { return sum * scale }
      let row = key.row - query.row + window - 1
      let column = key.column - query.column + window - 1
      return sum * scale + bias[(head * edge + row) * edge + column]
    }
    let greatest = scores.max() ?? 0
    let weights = scores.map { exp($0 - greatest) }
    let total = weights.reduce(0, +)
    let out = query.position(in: shape) * channels + first
    for (key, weight) in zip(keys, weights) {
      let v = (key.position(in: shape) * 3 + 2) * channels + first
      for c in 0..<headChannels { result[out + c] += weight / total * qkv[v + c] }
    }
  }
}
