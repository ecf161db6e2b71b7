// SPDX-License-Identifier: Apache-2.0
public import LVT

extension Image {
  /// Draws a frame around each object and a plate with its class and score, as in `RBC 93%`, and lays its
  /// pixels half-transparently over the picture.
  ///
  /// The colour is the class's in ``Palette``. Of frames or pixels that cover each other those of the object
  /// with the higher score are in front; all frames are in front of all pixels, and all plates in front of all
  /// frames.
  ///
  /// - Parameters:
  ///   - detections: Boxes in this image's pixels.
  ///   - masks: The objects' pixels, of this image's size; none, or one for each object.
  ///   - labels: Names of the classes; none, or one for each class.
  public func draw(_ detections: [Detection], masks: [RunLengths] = [], labels: [String]) {
    // Not by `sorted` alone, which may exchange equals.
    let order = detections.indices.sorted {
      let (a, b) = (detections[$0].score, detections[$1].score)
      return a < b || (a == b && $0 > $1)
    }
    withPixels { pixels in
      let canvas = Canvas(pixels, width: width, height: height)
      if !masks.isEmpty { canvas.tint(masks, of: detections, order: order) }
      for i in order { canvas.frame(detections[i]) }
      for i in order { canvas.plate(detections[i], labels) }
    }
  }
}

extension Canvas {
  /// The pixels of a box, at least one row and column of the picture.
  private func pixels(of box: Box) -> (columns: Range<Int>, rows: Range<Int>) {
    // NaN, which no comparison holds of, becomes 0.
    func pixel(_ position: Float, _ side: Int) -> Int {
      Int(min(max(0, position), Float(side)).rounded())
    }
    func range(_ start: Float, _ length: Float, _ side: Int) -> Range<Int> {
      let first = min(pixel(start, side), side - 1)
      return first..<max(first + 1, pixel(start + length, side))
    }
    return (range(box.x, box.width, width), range(box.y, box.height, height))
  }

  fileprivate func frame(_ detection: Detection) {
    let colour = Palette.colour(of: detection.classIndex)
    let (columns, rows) = pixels(of: detection.box)
    fill(columns, rows.prefix(unit), colour)
    fill(columns, rows.suffix(unit), colour)
    fill(columns.prefix(unit), rows, colour)
    fill(columns.suffix(unit), rows, colour)
  }

  /// Puts the plate on top of the box, or into it where there is no room.
  fileprivate func plate(_ detection: Detection, _ labels: [String]) {
    let (columns, rows) = pixels(of: detection.box)
    let above = rows.lowerBound - plateHeight
    plate(
      plateText(className(detection.classIndex, labels), Double(detection.score)),
      x: columns.lowerBound, y: above < 0 ? rows.lowerBound : above,
      Palette.colour(of: detection.classIndex))
  }
}
