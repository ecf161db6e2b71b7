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

  /// A box of the input's pixels in the picture's, with what of it is beside the picture.
  package func whole(_ box: Box) -> Box {
    let first = place(x: box.x, y: box.y)
    let last = place(x: box.x + box.width, y: box.y + box.height)
    return Box(left: first.x, top: first.y, right: last.x, bottom: last.y)
  }

  /// The pixels of an object.
  ///
  /// - Parameters:
  ///   - probabilities: A square of how sure each part of the box is, row after row.
  ///   - box: The object's box in the input's pixels, all of it.
  package func mask(_ probabilities: some Collection<Float>, box: Box) -> RunLengths {
    let side = Int(Double(probabilities.count).squareRoot())
    return RunLengths(
      pasting: probabilities, side: side, box: whole(box), width: width, height: height)
  }

  /// The pixels of some objects.
  ///
  /// - Parameters:
  ///   - rows: Of the result: which objects.
  ///   - all: Those of the result, in the input's pixels.
  ///   - probabilities: As many for each row as ``LVTModel/Masks`` makes.
  package func masks(
    _ rows: [Int], of all: [Detection], _ probabilities: [Float], room: Int
  ) -> [RunLengths] {
    let count = probabilities.count / max(1, room)
    return rows.map {
      mask(probabilities[$0 * count..<($0 + 1) * count], box: all[$0].box)
    }
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
