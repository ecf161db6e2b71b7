// SPDX-License-Identifier: Apache-2.0
package import LVTModel

/// A box in which an object may be; better is what has the greater logit, of equals the one of the finer level,
/// of those the one that comes first.
package struct Region: Comparable {
  /// Left, top, right and bottom edge in pixels of the input.
  package let box: SIMD4<Float>
  /// That of the anchor.
  package let logit: Float
  /// The anchor's place in its level: row, column, anchor.
  package let index: Int32

  /// A region.
  package init(box: SIMD4<Float>, logit: Float, index: Int32) {
    self.box = box
    self.logit = logit
    self.index = index
  }

  package static func < (a: Region, b: Region) -> Bool {
    a.logit != b.logit ? a.logit > b.logit : a.index < b.index
  }

  /// Whether it has an area; what has none is no region.
  package var hasArea: Bool { box.z > box.x && box.w > box.y }
}

/// Takes the best regions of all levels, without those that overlap a better one of their level too much.
package struct RegionSelection {
  private let overlap: Float
  private let regions: Int

  /// The rules of a step.
  package init(_ step: Proposals) { (overlap, regions) = (step.overlap, step.regions) }

  /// Writes regions as ``LVTModel/Proposals`` says.
  ///
  /// - Parameters:
  ///   - levels: How many there are, at most ``LVTModel/Proposals/mostLevels``.
  ///   - kept: Those of each level, the best first, `room` from one level to the next.
  ///   - counts: How many each level has.
  ///   - levelOfRegion: Room for a byte of each region.
  ///   - out: Room for the most regions.
  package func run(
    levels: Int, _ kept: UnsafePointer<Region>, room: Int, counts: UnsafePointer<Int32>,
    levelOfRegion: UnsafeMutablePointer<UInt8>, to out: UnsafeMutablePointer<Float>
  ) {
    var count = 0
    var starts = SIMD8<Int32>(repeating: 0)
    while count < regions {
      var best: Int?
      for level in 0..<levels where starts[level] < counts[level] {
        let next = kept[level * room + Int(starts[level])]
        if let known = best, next.logit <= kept[known * room + Int(starts[known])].logit {
          continue
        }
        best = level
      }
      guard let level = best else { break }
      let region = kept[level * room + Int(starts[level])]
      starts[level] += 1
      let isCovered = (0..<count).contains { other in
        let row = out + other * Proposals.regionValues
        return levelOfRegion[other] == UInt8(level)
          && intersectionOverUnion(region.box, SIMD4(row[0], row[1], row[2], row[3])) > overlap
      }
      if isCovered { continue }
      let row = out + count * Proposals.regionValues
      for i in 0..<4 { row[i] = region.box[i] }
      row[4] = sigmoid(region.logit)
      levelOfRegion[count] = UInt8(level)
      count += 1
    }
    for i in count * Proposals.regionValues..<regions * Proposals.regionValues { out[i] = 0 }
  }
}

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
