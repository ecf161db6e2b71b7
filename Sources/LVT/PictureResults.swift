// SPDX-License-Identifier: Apache-2.0
public import LVTImage

extension PictureMapping {
  /// The part of a box of the input's pixels that is in the picture, in the picture's pixels.
  ///
  /// Sides become 0 where the box is beside the picture.
  public func picture(_ box: Box) -> Box {
    let left = x(box.x), top = y(box.y)
    return Box(
      x: left, y: top, width: max(0, x(box.x + box.width) - left),
      height: max(0, y(box.y + box.height) - top))
  }

  /// The label map of the picture, of one of the input's size.
  ///
  /// ``write(row:of:into:)`` says what each label is, and makes a row without allocating.
  public func picture(_ map: LabelMap) -> LabelMap {
    let labels = [UInt8](unsafeUninitializedCapacity: width * height) { labels, count in
      map.labels.withUnsafeBufferPointer { input in
        for y in 0..<height {
          write(
            row: y, of: input,
            into: UnsafeMutableBufferPointer(rebasing: labels[y * width..<(y + 1) * width]))
        }
      }
      count = width * height
    }
    return LabelMap(width: width, height: height, labels: labels)
  }
}
