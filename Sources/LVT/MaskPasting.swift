// SPDX-License-Identifier: Apache-2.0

extension RunLengths {
  /// An object's pixels, from a small map of how sure each part of its box is.
  ///
  /// The map is stretched over the box, and a pixel has the value of the map at its centre, bilinear; the
  /// map is surrounded by zeros. The arithmetic is float32 in a fixed order, the same everywhere. The work
  /// is that of the box's part in the picture.
  ///
  /// - Parameters:
  ///   - probabilities: `side` × `side` values, row after row; NaN is below every threshold.
  ///   - side: At least 1.
  ///   - box: Where the object is, in the picture's pixels. One without an area, or with a side that is
  ///     not finite, has no pixels.
  ///   - width: The picture's, 0 … 16,777,216, as is `height`.
  ///   - threshold: What a value must reach; greater than 0.
  public init(
    pasting probabilities: some Collection<Float>, side: Int, box: Box, width: Int, height: Int,
    threshold: Float = 0.5
  ) {
    let most = 1 << 24
    precondition(side >= 1 && probabilities.count == side * side && threshold > 0)
    precondition((0...most).contains(width) && (0...most).contains(height))
    self.init()
    let columns = Taps(from: box.x, extent: box.width, side: side, limit: width)
    let rows = Taps(from: box.y, extent: box.height, side: side, limit: height)
    Array(probabilities).withUnsafeBufferPointer { map in
      // A column of the map between two of its own, with a zero above and one below.
      var between = [Float](repeating: 0, count: side + 2)
      for (x, tap) in columns.numbered {
        for y in 0..<side {
          let left = tap.index > 0 ? map[y * side + tap.index - 1] : 0
          let right = tap.index < side ? map[y * side + tap.index] : 0
          between[y + 1] = left * (1 - tap.share) + right * tap.share
        }
        var start: Int?
        for (y, tap) in rows.numbered {
          let above = between[tap.index], below = between[tap.index + 1]
          let at = x * height + y
          if above * (1 - tap.share) + below * tap.share >= threshold {
            start = start ?? at
          } else if let first = start {
            add(first..<at)
            start = nil
          }
        }
        if let start { add(start..<x * height + rows.end) }
      }
    }
    finish(at: width * height)
  }

  /// Writes the pixels into a map of bytes, row after row: 1 for each of them, 0 for the others.
  ///
  /// - Parameters:
  ///   - bytes: At least `height` - 1 times `stride` and a row; bytes between rows are not written.
  ///   - height: The picture's. Its width follows from it and the counts.
  ///   - stride: Bytes from one row to the next, at least the picture's width.
  public func write(to bytes: UnsafeMutableBufferPointer<UInt8>, height: Int, stride: Int) {
    let width = height > 0 ? pixels / height : 0
    precondition(height >= 0 && width * height == pixels && stride >= width)
    precondition(pixels == 0 || bytes.count >= (height - 1) * stride + width)
    for y in 0..<height {
      for x in 0..<width { bytes[y * stride + x] = 0 }
    }
    forEachColumnPart(height: height) { x, rows in
      for y in rows { bytes[y * stride + x] = 1 }
    }
  }

  /// Calls `body` with a column and the rows of it that are among the pixels, from left to right and from top
  /// to bottom.
  ///
  /// - Parameter height: The picture's.
  package func forEachColumnPart(height: Int, _ body: (_ x: Int, _ rows: Range<Int>) -> Void) {
    var at = 0
    for (i, count) in counts.enumerated() {
      let end = at + count
      while i & 1 == 1, at < end {
        let x = at / height, next = min(end, (x + 1) * height)
        body(x, at - x * height..<next - x * height)
        at = next
      }
      at = end
    }
  }
}

/// Where the centres of a row of pixels lie in a row of the map.
private struct Taps {
  struct Tap {
    /// Of the element on the left, from 1 on: 0 is the zero in front of the first.
    let index: Int
    /// That of the element on the right.
    let share: Float
  }

  /// The first pixel that is not wholly outside.
  private let first: Int
  private var taps: [Tap] = []

  /// The pixels after these are outside.
  var end: Int { first + taps.count }

  /// Pixels with their taps.
  var numbered: some Sequence<(Int, Tap)> { zip(first..<end, taps) }

  init(from low: Float, extent: Float, side: Int, limit: Int) {
    guard low.isFinite, extent.isFinite, extent > 0 else {
      first = 0
      return
    }
    func pixel(_ place: Float) -> Int { Int(min(max(place, 0), Float(limit))) }
    // Half an element more on either side, where the values fall to zero, and a pixel for the rounding.
    let reach = extent / Float(side)
    let last = pixel((low + extent + reach).rounded(.up) + 1)
    var start = min(pixel((low - reach).rounded(.down) - 1), last)
    for x in start..<last {
      let place = (Float(x) + 0.5 - low) / extent * Float(side) - 0.5
      guard place > -1, place < Float(side) else {
        if taps.isEmpty { start = x + 1 } else { break }
        continue
      }
      let below = place.rounded(.down)
      taps.append(Tap(index: Int(below) + 1, share: place - below))
    }
    first = start
  }
}
