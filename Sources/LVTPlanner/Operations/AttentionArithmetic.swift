// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
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
      // What pads the map was zero before the product, so it is the biases: one more row.
      let qkv = isPadding(shape) ? qkv + self.qkv.bias : qkv
      for keys in windows(of: shape, edge: edge, shift: shift) {
        attend(keys.filter { $0.position < shape.positions }, keys, bias, qkv, &result)
      }
    case .map:
      let places = (0..<shape.positions).map { lvtf_place(position: $0, place: 0) }
      attend(places, places, [], qkv, &result)
    case .dilated(let groups):
      lvtf_dilated_attention(
        qkv, shape.height, shape.width, channels, heads, groups, scale, keyNorm?.gamma,
        keyNorm?.beta, keyNorm?.epsilon ?? 0, &result)
    case .neighbours(let kernel, let bias):
      var weights = [Float](repeating: 0, count: kernel * kernel * channels)
      lvtf_depthwise_attention(
        qkv, shape.height, shape.width, channels, kernel, bias, keyNorm?.gamma, keyNorm?.beta,
        keyNorm?.epsilon ?? 0, &weights, &result)
    }
    return result
  }

  /// Positions that see each other: those of a window that lie on one side of the seams.
  ///
  /// The position of padding is the number of positions. A place is one of biases that are arranged by rows and
  /// columns from a key to a query.
  private func windows(of shape: Shape, edge: Int, shift: WindowShift) -> [[lvtf_place]] {
    let rows = WindowAxis(
      extent: shape.height, window: edge, shift: shift.rows, order: shift.order)
    let columns = WindowAxis(
      extent: shape.width, window: edge, shift: shift.columns, order: shift.order)
    var windows: [[lvtf_place]] = []
    for top in stride(from: 0, to: rows.covered, by: edge) {
      for left in stride(from: 0, to: columns.covered, by: edge) {
        var sides = [[lvtf_place]](repeating: [], count: 4)
        for row in top..<top + edge {
          for column in left..<left + edge {
            var position = shape.positions
            if let y = rows.row(at: row), let x = columns.row(at: column) {
              position = y * shape.width + x
            }
            let side =
              (rows.isBehindSeam(row) ? 2 : 0) + (columns.isBehindSeam(column) ? 1 : 0)
            let place = (row - top) * (2 * edge - 1) + column - left
            sides[side].append(lvtf_place(position: position, place: place))
          }
        }
        windows += sides.filter { !$0.isEmpty }
      }
    }
    return windows
  }

  private func attend(
    _ queries: [lvtf_place], _ keys: [lvtf_place], _ bias: [Float], _ qkv: [Float],
    _ result: inout [Float]
  ) {
    guard !queries.isEmpty else { return }
    withUnsafeTemporaryAllocation(
      of: Float.self, capacity: lvtf_attention_scratch(keys.count, headChannels)
    ) { scratch in
      lvtf_attention(
        qkv, channels, heads, queries, queries.count, keys, keys.count, scale,
        bias.isEmpty ? nil : bias, bias.count / heads, keyNorm?.gamma, keyNorm?.beta,
        keyNorm?.epsilon ?? 0, scratch.baseAddress, &result)
    }
  }
}
