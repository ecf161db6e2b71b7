// SPDX-License-Identifier: Apache-2.0

/// Regions or boxes where a step has written them: rows of edges, a score and perhaps more.
package struct RegionRows {
  /// The first value.
  package let values: UnsafePointer<Float>
  /// Values of a row.
  package let width: Int
  /// Rows that hold a region; the others behind them are 0.
  package let count: Int

  /// The rows of a result of so many.
  package init(_ values: UnsafePointer<Float>, width: Int, room: Int) {
    self.values = values
    self.width = width
    var count = 0
    while count < room, values[count * width + 4] > 0 { count += 1 }
    self.count = count
  }

  /// A region's edges.
  package func box(_ row: Int) -> SIMD4<Float> {
    let edges = values + row * width
    return SIMD4(edges[0], edges[1], edges[2], edges[3])
  }
}
