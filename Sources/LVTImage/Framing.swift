// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Which part of a resized picture is the input, as timm's transforms choose it.
///
/// With a crop fraction of 1 the picture is resized to the input, whatever its proportions. Below 1
/// it keeps them: it is resized until it just covers the input divided by the fraction, rounded down, and
/// the input is cut from its centre.
struct Framing: Equatable {
  /// Size of the whole picture after resizing.
  let resizedWidth, resizedHeight: Int
  /// The part of it that is the input.
  let columns, rows: Range<Int>

  /// The framing of a picture for an input that ``accepts(_:)`` has accepted.
  init(width: Int, height: Int, spec: InputSpec) {
    if spec.cropFraction == 1 {
      resizedWidth = spec.width
      resizedHeight = spec.height
    } else {
      let covered = Self.covered(spec)
      // The tighter side becomes exactly what must be covered.
      if width * covered.height <= height * covered.width {
        resizedWidth = covered.width
        resizedHeight = Self.looser(height, beside: width, resizedTo: covered.width, covered)
      } else {
        resizedWidth = Self.looser(width, beside: height, resizedTo: covered.height, covered)
        resizedHeight = covered.height
      }
    }
    columns = Self.centre(spec.width, of: resizedWidth)
    rows = Self.centre(spec.height, of: resizedHeight)
  }

  /// The largest side of what is resized to; times ``ImageView/longestSide`` it fits 32 bits.
  static let limit = 32767

  /// Whether an input can be framed at all.
  static func accepts(_ spec: InputSpec) -> Bool {
    guard (1...limit).contains(spec.width), (1...limit).contains(spec.height) else { return false }
    guard spec.cropFraction > 0, spec.cropFraction <= 1 else { return false }
    return Double(max(spec.width, spec.height)) / spec.cropFraction <= Double(limit)
  }

  /// What the resized picture must cover: the input and the edge around it that is cut off.
  private static func covered(_ spec: InputSpec) -> (width: Int, height: Int) {
    (
      Int(Double(spec.width) / spec.cropFraction), Int(Double(spec.height) / spec.cropFraction)
    )
  }

  /// What a side becomes while the tighter one is resized to `target`: cut to whole pixels for a square,
  /// as torchvision's `Resize` does, else rounded to the nearest, as timm's `ResizeKeepRatio` does.
  private static func looser(
    _ side: Int, beside tighter: Int, resizedTo target: Int, _ covered: (width: Int, height: Int)
  ) -> Int {
    if covered.width == covered.height { return target * side / tighter }
    let ratio = Double(tighter) / Double(target)
    return Int((Double(side) / ratio).rounded(.toNearestOrEven))
  }

  /// The middle `count` of `total`; half a pixel goes to the even one, as with Python's `round`.
  private static func centre(_ count: Int, of total: Int) -> Range<Int> {
    let margin = total - count
    let start = margin / 2 + (margin % 4 == 3 ? 1 : 0)
    return start..<start + count
  }
}
