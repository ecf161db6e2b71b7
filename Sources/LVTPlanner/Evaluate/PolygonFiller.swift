// SPDX-License-Identifier: Apache-2.0
internal import LVT

/// Finds the pixels inside of polygons as pycocotools does, to the pixel.
///
/// Corners are rounded to fifths of a pixel and edges walked from fifth to fifth along their longer side. Where
/// an edge crosses the middle of a column, the pixels of that column change sides from the row on that is
/// below. Only these places are looked at, of which there is at most one for each edge and column.
struct PolygonFiller {
  /// How far from the picture's left upper corner a corner may be.
  static let farthest = Double(1 << 24)

  /// The picture's sides, at least 1.
  let width, height: Int
  /// How many crossings of edges and columns may still be looked at.
  private(set) var budget: Int

  /// The pixels in any of the polygons; nil if the budget does not last.
  ///
  /// - Parameter polygons: x and y of each corner, at most ``farthest``.
  mutating func fill(_ polygons: [[Double]]) -> RunLengths? {
    var runs: [Range<Int>] = []
    for corners in polygons {
      guard let crossings = crossings(corners) else { return nil }
      for i in stride(from: 0, to: crossings.count, by: 2) {
        let end = i + 1 < crossings.count ? crossings[i + 1] : width * height
        if crossings[i] < end { runs.append(crossings[i]..<end) }
      }
    }
    runs.sort { $0.lowerBound < $1.lowerBound }
    var counts: [Int] = []
    var end = 0
    for run in runs where run.upperBound > end {
      let start = max(run.lowerBound, end)
      counts += [start - end, run.upperBound - start]
      end = run.upperBound
    }
    return try? RunLengths(counts: counts + [width * height - end], pixels: width * height)
  }

  /// Where the sides change, in the order of columns, each from top to bottom; nil if the budget does not last.
  private mutating func crossings(_ corners: [Double]) -> [Int]? {
    func fifths(_ position: Double) -> Int { Int(5 * position + 0.5) }
    let points = stride(from: 0, to: corners.count - 1, by: 2).map {
      Corner(x: fifths(corners[$0]), y: fifths(corners[$0 + 1]))
    }
    var places: [Int] = []
    for (i, point) in points.enumerated() {
      let next = points[i + 1 < points.count ? i + 1 : 0]
      let columns = columns(between: min(point.x, next.x), and: max(point.x, next.x))
      budget -= columns.count + 1
      guard budget >= 0 else { return nil }
      let edge = Edge(point, next)
      for column in columns {
        let row = (Double(edge.height(after: 5 * column + 2)) + 0.5) / 5 - 0.5
        places.append(column * height + Int(min(max(0, row), Double(height)).rounded(.up)))
      }
    }
    places.sort()
    return places
  }

  /// The columns of the picture whose middle fifth, from its left to its right, lies between two positions.
  private func columns(between left: Int, and right: Int) -> Range<Int> {
    func fives(_ fifths: Int) -> Int { fifths >= 0 ? fifths / 5 : -((4 - fifths) / 5) }
    let first = max(0, fives(left + 2)), end = min(width, fives(right + 2))
    return first..<max(first, end)
  }
}

/// A corner, in fifths of a pixel.
private struct Corner {
  let x, y: Int
}

/// An edge of a polygon.
private struct Edge {
  /// Its ends, in the direction in which its longer side grows.
  private let start, end: Corner
  /// Whether that is x, and how much the other grows with each step.
  private let isFlat: Bool
  private let slope: Double

  init(_ a: Corner, _ b: Corner) {
    let dx = abs(b.x - a.x), dy = abs(b.y - a.y)
    isFlat = dx >= dy
    (start, end) = (isFlat ? a.x > b.x : a.y > b.y) ? (b, a) : (a, b)
    let rise = isFlat ? end.y - start.y : end.x - start.x
    slope = dx == 0 && dy == 0 ? 0 : Double(rise) / Double(max(dx, dy))
  }

  /// The side that is not the longer one, after so many steps.
  private func across(_ step: Int) -> Int {
    Int(Double(isFlat ? start.y : start.x) + slope * Double(step) + 0.5)
  }

  /// The upper one of the edge's heights at an x and at the next one, both of which it has.
  func height(after x: Int) -> Int {
    if isFlat { return min(across(x - start.x), across(x + 1 - start.x)) }
    // The first step on the other side: x changes by at most 1 with each.
    var before = 0
    var behind: Int = end.y - start.y
    while behind - before > 1 {
      let middle = (before + behind) / 2
      let isRight = across(middle) > x
      if isRight == (slope > 0) { behind = middle } else { before = middle }
    }
    return start.y + before
  }
}
