// SPDX-License-Identifier: Apache-2.0
internal import LVT

extension Canvas {
  /// Lays the pixels of objects half-transparently over the picture, in their classes' colours, with an edge in
  /// the full colour: objects of one class that touch can be told apart.
  ///
  /// - Parameters:
  ///   - masks: Those of the detections, each of the picture's size.
  ///   - order: Indices of the detections; of masks that cover each other the last one is seen.
  func tint(_ masks: [RunLengths], of detections: [Detection], order: [Int]) {
    precondition(masks.count == detections.count)
    // Which object is seen at each pixel, from 1 on.
    var owners = [Int32](repeating: 0, count: width * height)
    for i in order {
      precondition(masks[i].pixels == width * height)
      masks[i].forEachColumnPart(height: height) { x, rows in
        for y in rows { owners[y * width + x] = Int32(i + 1) }
      }
    }
    for y in 0..<height {
      for x in 0..<width where owners[y * width + x] > 0 {
        let at = y * width + x, owner = owners[at]
        let isInside =
          (x < unit || owners[at - unit] == owner)
          && (x + unit >= width || owners[at + unit] == owner)
          && (y < unit || owners[at - unit * width] == owner)
          && (y + unit >= height || owners[at + unit * width] == owner)
        let colour = Palette.colour(of: detections[Int(owner) - 1].classIndex)
        if isInside { tint(at, colour) } else { fill(x..<x + 1, y..<y + 1, colour) }
      }
    }
  }
}
