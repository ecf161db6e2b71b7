// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// The weighted mean of source pixels that an output pixel is, along one axis.
struct Window {
  /// The first source pixel and how many there are.
  let first, count: Int
  /// Where its weights start in ``ResampleAxis/weights``.
  let weights: Int
}

/// The windows of a range of output pixels, computed as Pillow does for 8-bit pixels.
///
/// The filter is stretched when the picture shrinks, so that every source pixel counts, and weights
/// are normalised and rounded to fixed point. Each operation is Pillow's and in its order, for the
/// last bit's sake.
struct ResampleAxis {
  /// Bits after the binary point of a weight: 8 bits of pixel and 2 of headroom, for a filter that
  /// overshoots, fit above them.
  static let precision: Int32 = 32 - 8 - 2

  private(set) var windows: [Window] = []
  private(set) var weights: [Int32] = []
  /// Pixels of the longest window.
  private(set) var longest = 1

  /// An axis without output.
  init() {}

  /// The windows of pixels `range` of an axis that is resized from `source` to `resized` pixels.
  init(source: Int, resized: Int, range: Range<Int>, filter: InputSpec.Interpolation) {
    windows.reserveCapacity(range.count)
    guard source != resized else {
      weights = [1 << Self.precision]
      windows = range.map { Window(first: $0, count: 1, weights: 0) }
      return
    }
    let scale = Double(source) / Double(resized)
    let filterScale = max(scale, 1)
    let support = filter.support * filterScale
    let inverse = 1 / filterScale
    var values: [Double] = []
    for position in range {
      let centre = (Double(position) + 0.5) * scale
      let first = max(0, Int(centre - support + 0.5))
      let end = min(source, Int(centre + support + 0.5))
      values.removeAll(keepingCapacity: true)
      var sum = 0.0
      for x in 0..<end - first {
        let value = filter.value(at: (Double(x + first) - centre + 0.5) * inverse)
        values.append(value)
        sum += value
      }
      windows.append(Window(first: first, count: values.count, weights: weights.count))
      longest = max(longest, values.count)
      for value in values { weights.append(Self.fixedPoint(sum == 0 ? value : value / sum)) }
    }
  }

  /// Rounds half away from zero.
  private static func fixedPoint(_ value: Double) -> Int32 {
    let scaled = value * Double(1 << precision)
    return Int32(value < 0 ? scaled - 0.5 : scaled + 0.5)
  }
}

extension InputSpec.Interpolation {
  /// Source pixels to each side that a filter reaches when it is not stretched.
  fileprivate var support: Double {
    switch self {
    case .bilinear: 1
    case .bicubic: 2
    }
  }

  /// The filter's curve.
  fileprivate func value(at position: Double) -> Double {
    let x = abs(position)
    switch self {
    case .bilinear:
      return x < 1 ? 1 - x : 0
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
      return 0
    }
  }
}
