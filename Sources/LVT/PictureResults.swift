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

  /// Refuses memory that has no room for the picture's rows of bytes, so many bytes apart.
  func requireRoom(_ count: Int, stride: Int) throws(ImageError) {
    guard stride >= width else { throw .stride(least: width, found: stride) }
    let (last, overflows) = (height - 1).multipliedReportingOverflow(by: stride)
    let (least, isTooMuch) = last.addingReportingOverflow(width)
    guard !overflows, !isTooMuch, count >= least else {
      throw .bytes(least: overflows || isTooMuch ? .max : least, found: count)
    }
  }

  /// The label map of the picture, of one of the input's size.
  ///
  /// ``write(row:of:into:)`` says what each label is, and makes a row without allocating.
  public func picture(_ map: LabelMap) -> LabelMap {
    map.labels.withUnsafeBufferPointer { picture($0) }
  }

  /// The same of labels that lie elsewhere.
  func picture(_ labels: UnsafeBufferPointer<UInt8>) -> LabelMap {
    let mapped = [UInt8](unsafeUninitializedCapacity: width * height) { mapped, count in
      write(labels, into: mapped, stride: width)
      count = width * height
    }
    return LabelMap(width: width, height: height, labels: mapped)
  }

  /// Writes all rows, so many bytes apart; there is room for them.
  func write(
    _ labels: UnsafeBufferPointer<UInt8>, into rows: UnsafeMutableBufferPointer<UInt8>, stride: Int
  ) {
    for y in 0..<height {
      let start = y * stride
      write(
        row: y, of: labels,
        into: UnsafeMutableBufferPointer(rebasing: rows[start..<start + width]))
    }
  }
}
