// SPDX-License-Identifier: Apache-2.0

/// How the bytes of a picture are its pixels.
///
/// The formats with luma and chroma have one pair of chroma samples for two neighbours of a row, the
/// last two of them for two rows as well; where a side is odd, the last pair stands for one.
public enum PixelFormat: Equatable, Sendable, CaseIterable {
  /// Red, green and blue, a byte each.
  case rgb8
  /// Blue, green and red, a byte each.
  case bgr8
  /// Red, green, blue and a byte that is not looked at.
  case rgba8
  /// Blue, green, red and a byte that is not looked at.
  case bgra8
  /// One byte; resized, it becomes red, green and blue alike.
  case gray8
  /// Groups of Y U Y V, two pixels each.
  case yuyv
  /// Groups of U Y V Y, two pixels each.
  case uyvy
  /// Rows of Y, behind them rows of pairs U V with the same stride, half as many.
  case nv12
  /// Rows of Y, behind them rows of pairs V U with the same stride, half as many.
  case nv21
  /// Rows of Y, behind them half as many rows of U and then of V, both with half the stride; also
  /// called I420.
  case yu12

  /// Whether there are luma and chroma.
  public var hasChroma: Bool {
    switch self {
    case .rgb8, .bgr8, .rgba8, .bgra8, .gray8: false
    case .yuyv, .uyvy, .nv12, .nv21, .yu12: true
    }
  }

  /// Whether two rows share chroma, which is behind the rows of luma.
  public var halvesRows: Bool { self == .nv12 || self == .nv21 || self == .yu12 }

  /// Bytes of a row of `width` pixels, without what may lie between rows; of rows of luma and of pairs
  /// the longer.
  public func rowBytes(width: Int) -> Int {
    switch self {
    case .rgb8, .bgr8: 3 * width
    case .rgba8, .bgra8: 4 * width
    case .gray8, .yu12: width
    case .yuyv, .uyvy: 4 * ((width + 1) / 2)
    case .nv12, .nv21: 2 * ((width + 1) / 2)
    }
  }

  /// Bytes of a picture from its first to its last, or nil if they cannot be counted.
  ///
  /// `width` and `height` are at least 1 and at most ``ImageView/longestSide``, `stride` is not less
  /// than ``rowBytes(width:)``.
  ///
  /// - Parameter isPadded: Whether the last row is padded as the others are.
  func byteCount(width: Int, height: Int, stride: Int, isPadded: Bool) -> Int? {
    let chromaRows = (height + 1) / 2
    let rows: Int, step: Int, before: Int
    var last = rowBytes(width: width)
    switch self {
    case .rgb8, .bgr8, .rgba8, .bgra8, .gray8, .yuyv, .uyvy:
      (before, rows, step) = (0, height - 1, stride)
    case .nv12, .nv21: (before, rows, step) = (0, height + chromaRows - 1, stride)
    case .yu12:
      let (luma, tooMany) = stride.multipliedReportingOverflow(by: height)
      guard !tooMany else { return nil }
      (before, rows, step, last) = (luma, 2 * chromaRows - 1, (stride - 1) / 2 + 1, (width + 1) / 2)
    }
    if isPadded { last = step }
    let (rest, tooFar) = step.multipliedReportingOverflow(by: rows)
    let (start, tooLate) = before.addingReportingOverflow(rest)
    let (count, tooMany) = start.addingReportingOverflow(last)
    return tooFar || tooLate || tooMany ? nil : count
  }
}
