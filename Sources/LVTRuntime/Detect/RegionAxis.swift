// SPDX-License-Identifier: Apache-2.0
package import LVTModel

/// The samples of a region's cells along one axis of a map, as weights of the map's positions.
///
/// Samples lie between positions, so the mean of a cell is a weighted mean of positions; as samples make a grid,
/// its weights are products of those of its row and of its column. mmcv's RoIAlign, aligned; each operation is
/// rounded once to float32.
package struct RegionAxis {
  /// Where the first cell starts, and how long a cell is, in positions of the map.
  private let start, cell: Float
  /// Samples of a cell.
  private let samples: Int
  /// Positions of the map.
  private let extent: Int

  /// - Parameters:
  ///   - low: The region's first edge, in pixels of the input.
  ///   - high: Its last edge, not before the first.
  package init(_ align: RegionAlign, low: Float, high: Float, stride: Int, extent: Int) {
    let scale = 1 / Float(stride)
    start = low * scale - 0.5
    let length = (high * scale - 0.5) - start
    cell = length / Float(align.side)
    // A region without length has no samples, so its cells are zeros.
    samples =
      length > 0 ? (align.samples > 0 ? align.samples : Int(cell.rounded(.up))) : 0
    self.extent = extent
  }

  /// Writes the weights of the positions that a cell reads, which are not more than the map has.
  ///
  /// - Parameters:
  ///   - index: Of the cell.
  ///   - weights: Room for a weight of each position.
  /// - Returns: The positions; no cell reads any before those of the cells before it.
  package func weights(
    ofCell index: Int, _ weights: UnsafeMutablePointer<Float>
  ) -> Range<Int> {
    var range = 0..<0
    for sample in 0..<samples {
      var place = start + Float(index) * cell + (Float(sample) + 0.5) * cell / Float(samples)
      guard place >= -1, place <= Float(extent) else { continue }
      place = max(place, 0)
      var first = Int(place)
      var behind = place - Float(first)
      if first >= extent - 1 { (first, behind) = (extent - 1, 0) }
      let end = min(first + 2, extent)
      if range.isEmpty { range = first..<first }
      while range.upperBound < end {
        weights[range.count] = 0
        range = range.lowerBound..<range.upperBound + 1
      }
      weights[first - range.lowerBound] += 1 - behind
      if behind > 0 { weights[first - range.lowerBound + 1] += behind }
    }
    for i in 0..<range.count { weights[i] /= Float(samples) }
    return range
  }
}

extension RegionAlign {
  /// Which of the levels a region is read from, by its area.
  ///
  /// ⌊log₂(√area / scale + 10⁻⁶)⌋ without a logarithm.
  package func level(of box: SIMD4<Float>) -> Int {
    let side = ((box.z - box.x) * (box.w - box.y)).squareRoot()
    let ratio = side / finestScale + 1e-6
    var level = 0, least: Float = 2
    while level + 1 < strides.count, ratio >= least {
      level += 1
      least *= 2
    }
    return level
  }
}
