// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

/// The weighted means of source pixels that a range of output pixels are, along one axis, computed
/// as Pillow does for 8-bit pixels.
///
/// The filter is stretched when the picture shrinks, so that every source pixel counts, and weights
/// are normalised and rounded to fixed point. Each operation is Pillow's and in its order, for the
/// last bit's sake.
struct ResampleAxis {
  /// Bits after the binary point of a weight: 8 bits of pixel and 2 of headroom, for a filter that
  /// overshoots, fit above them.
  private static let precision = 32 - 8 - 2

  /// The first source pixel of each mean, ascending.
  private(set) var firsts: [UInt32] = []
  /// Source pixels of each mean; those that Pillow leaves out have the weight 0.
  private(set) var taps = 1
  /// For each mean and four taps.
  private var weights: [lvt_resample_weights] = []
  /// Whether any weight is negative, as those of a filter that overshoots are.
  private(set) var hasNegativeWeights = false

  /// An axis without output.
  init() {}

  /// The means of pixels `range` of an axis that is resized from `source` to `resized` pixels.
  init(source: Int, resized: Int, range: Range<Int>, filter: InputSpec.Interpolation) {
    guard source != resized else {
      pack(range.map { (first: $0, weights: [1 << Self.precision]) }, source: source)
      return
    }
    let scale = Double(source) / Double(resized)
    let filterScale = max(scale, 1)
    let support = filter.support * filterScale
    let inverse = 1 / filterScale
    var means: [(first: Int, weights: [Int32])] = []
    means.reserveCapacity(range.count)
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
      let weights = values.map { Self.fixedPoint(sum == 0 ? $0 : $0 / sum) }
      means.append((first: first, weights: weights))
    }
    pack(means, source: source)
  }

  /// The source pixels that any mean takes.
  var sources: Range<Int> {
    Int(firsts.first ?? 0)..<Int(firsts.last ?? 0) + taps
  }

  /// Lets pixel `origin` be the one that ``firsts`` calls 0.
  mutating func count(from origin: Int) {
    for i in firsts.indices { firsts[i] -= UInt32(origin) }
  }

  /// Calls `body` with the weights of mean `index` and of those behind it.
  func withWeights<R>(of index: Int, _ body: (UnsafePointer<lvt_resample_weights>?) -> R) -> R {
    weights.withUnsafeBufferPointer { body($0.baseAddress.map { $0 + index * ((taps + 3) / 4) }) }
  }

  /// Gives all means as many taps as the longest has, for which those at the end start earlier.
  private mutating func pack(_ means: [(first: Int, weights: [Int32])], source: Int) {
    taps = means.reduce(1) { max($0, $1.weights.count) }
    let groups = (taps + 3) / 4
    firsts.reserveCapacity(means.count)
    weights = [lvt_resample_weights](repeating: .init(), count: means.count * groups)
    for (i, mean) in means.enumerated() {
      let first = min(mean.first, source - taps)
      firsts.append(UInt32(first))
      for (j, weight) in mean.weights.enumerated() {
        let tap = mean.first - first + j
        weights[i * groups + tap / 4].set(tap % 4, to: weight)
        if weight < 0 { hasNegativeWeights = true }
      }
    }
  }

  /// Rounds half away from zero.
  private static func fixedPoint(_ value: Double) -> Int32 {
    let scaled = value * Double(1 << precision)
    return Int32(value < 0 ? scaled - 0.5 : scaled + 0.5)
  }
}

extension lvt_resample_weights {
  fileprivate mutating func set(_ tap: Int, to weight: Int32) {
    withUnsafeMutableBytes(of: &whole) {
      $0.storeBytes(of: weight, toByteOffset: 4 * tap, as: Int32.self)
    }
    withUnsafeMutableBytes(of: &high) {
      $0.storeBytes(of: Int16(weight >> 12), toByteOffset: 2 * tap, as: Int16.self)
    }
    withUnsafeMutableBytes(of: &low) {
      $0.storeBytes(of: Int16(weight & 4095), toByteOffset: 2 * tap, as: Int16.self)
    }
    withUnsafeMutableBytes(of: &bytes) {
      for i in 0..<4 { $0[4 * i + tap] = UInt8(truncatingIfNeeded: weight >> (8 * i)) }
    }
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
