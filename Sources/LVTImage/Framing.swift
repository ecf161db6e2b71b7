// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Which part of a resized picture is the input, or in the input's left upper corner, as
/// ``LVTModel/InputSpec/Fit`` says it.
///
/// A crop is that of timm's transforms.
struct Framing: Equatable, Sendable {
  /// Size of the whole picture after resizing.
  let resizedWidth, resizedHeight: Int
  /// The part of it that the input shows; of a letterbox all, which may be less than the input has.
  let columns, rows: Range<Int>

  /// The framing of a picture for an input that ``accepts(_:)`` has accepted.
  init(width: Int, height: Int, spec: InputSpec) {
    switch spec.fit {
    case .stretch:
      resizedWidth = spec.width
      resizedHeight = spec.height
    case .letterbox:
      let factor = min(
        Double(spec.width) / Double(width), Double(spec.height) / Double(height))
      resizedWidth = max(1, Int(Double(width) * factor + 0.5))
      resizedHeight = max(1, Int(Double(height) * factor + 0.5))
      columns = 0..<resizedWidth
      rows = 0..<resizedHeight
      return
    case .crop(let fraction):
      let covered = Self.covered(spec, fraction)
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
    guard case .crop(let fraction) = spec.fit else { return true }
    guard fraction > 0, fraction <= 1 else { return false }
    return Double(max(spec.width, spec.height)) / fraction <= Double(limit)
  }

  /// What the resized picture must cover: the input and the edge around it that is cut off.
  private static func covered(
    _ spec: InputSpec, _ fraction: Double
  ) -> (width: Int, height: Int) {
    (Int(Double(spec.width) / fraction), Int(Double(spec.height) / fraction))
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
