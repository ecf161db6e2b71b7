// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import Foundation
public import LVTModel

/// How a tensor's range was found.
public enum RangeMethod: String, Sendable {
  /// The least and greatest value seen.
  case minMax = "min–max"
  /// The range that all but a small share of the values lie in.
  case percentile
  /// The range of the least squared error.
  case meanSquaredError = "mse"
}

/// A quantization, how it was found, and what it costs.
public struct RangeChoice: Sendable {
  /// The quantization.
  public let quantization: Quantization
  /// Which rule gave it.
  public let method: RangeMethod
  /// Signal over quantization noise, in decibels, on the calibration values and a few that reach further.
  public let decibels: Double
}

extension Quantization {
  /// The int8 quantization whose 256 values span [low, high], zero being one of them.
  init(low: Float, high: Float) {
    let scale = ScaleLimits.scale((high - low) / 255)
    let zeroPoint = (-128 - low / scale).rounded(.toNearestOrEven)
    self.init(scale: scale, zeroPoint: Int(max(-128, min(127, zeroPoint))))
  }

  /// The real number that an integer stands for.
  func value(of q: Int) -> Float { scale * Float(q - zeroPoint) }

  /// The int8 that stands for `value`.
  func quantized(_ value: Float) -> Int8 {
    let q = (value / scale).rounded(.toNearestOrEven) + Float(zeroPoint)
    return Int8(max(-128, min(127, q)))
  }
}

/// Chooses a tensor's int8 range from its histogram: tries the least and greatest value, percentiles,
/// and a search for the least squared error, and keeps the one whose error is least.
///
/// Other pictures reach further than those of the calibration, and what a range cuts off a great value is a
/// great error. So the error is also measured on every value times ``reach``, at a small ``weight``.
struct RangeChooser {
  /// The bins that are not empty: middle value and count.
  private let bins: [(value: Float, count: Double)]
  /// Of these, and behind them of what other pictures may hold: middle value, its image, and count.
  private let values, images: [Float]
  private let counts: [Double]
  /// The squares of all images, by their counts.
  private let signal: Double
  private let low, high: Float
  private let symmetric: Bool
  private let transform: (Float) -> Float

  /// With this and the next, planning with one half of the calibration pictures of small networks loses least on
  /// the other half.
  private static let reach: Float = 1.5
  private static let weight = 0.01

  /// - Parameters:
  ///   - symmetric: Whether zero must be 0.
  ///   - transform: A function that follows the quantization; the error is measured behind
  ///     it. GELU makes most of what is below −4 equal, so clipping there costs nothing.
  init(
    _ statistics: Statistics, symmetric: Bool = false,
    transform: @escaping (Float) -> Float = { $0 }
  ) {
    self.symmetric = symmetric
    low = statistics.low
    high = max(statistics.high, statistics.low + .leastNormalMagnitude)
    let width = (high - low) / Float(statistics.histogram.count)
    var bins: [(value: Float, count: Double)] = []
    for (i, count) in statistics.histogram.enumerated() where count > 0 {
      // The first and last bin stand for the extremes themselves: zeros of a ReLU lie there.
      let value =
        i == 0 ? low : i == statistics.histogram.count - 1 ? high : low + (Float(i) + 0.5) * width
      bins.append((value, Double(count)))
    }
    self.bins = bins
    values = bins.map { $0.value } + bins.map { Self.reach * $0.value }
    images = values.map(transform)
    counts = bins.map { $0.count } + bins.map { Self.weight * $0.count }
    signal = zip(images, counts).reduce(0) { $0 + Double($1.0) * Double($1.0) * $1.1 }
    self.transform = transform
  }

  /// The best choice.
  ///
  /// - Parameter leastScale: A scale that the result may not fall below.
  func choose(leastScale: Float = 0) -> RangeChoice {
    var best = candidate(low, high, .minMax, leastScale)
    for share in [0.999, 0.9999, 0.99999] {
      let (a, b) = percentile(share)
      best = better(best, candidate(a, b, .percentile, leastScale))
    }
    // Shrink both ends of all that counts, then refine around the best pair.
    let low = Self.reach * low, high = Self.reach * high
    var centre: (Float, Float) = (1, 1)
    for (span, steps) in [(Float(0.35), 14), (Float(0.03), 6)] {
      var bestHere: (error: Double, at: (Float, Float)) = (.infinity, centre)
      for i in 0...steps {
        for j in 0...(low == 0 ? 0 : steps) {
          let a = max(0.05, centre.1 + (span < 0.1 ? span : 0) - 2 * span * Float(j) / Float(steps))
          let b = max(0.05, centre.0 + (span < 0.1 ? span : 0) - 2 * span * Float(i) / Float(steps))
          let found = candidate(low * min(a, 1), high * min(b, 1), .meanSquaredError, leastScale)
          let error = -found.decibels
          if error < bestHere.error { bestHere = (error, (b, a)) }
          best = better(best, found)
        }
      }
      centre = bestHere.at
    }
    return best
  }

  private func better(_ a: RangeChoice, _ b: RangeChoice) -> RangeChoice {
    b.decibels > a.decibels + 0.01 ? b : a
  }

  private func candidate(
    _ low: Float, _ high: Float, _ method: RangeMethod, _ leastScale: Float
  ) -> RangeChoice {
    let width = max(high - low, leastScale * 255)
    var quantization =
      symmetric
      ? Quantization(scale: max(-low, high) / 127, zeroPoint: 0)
      : Quantization(low: low, high: low + width)
    // low + width may round down.
    quantization.scale = ScaleLimits.scale(max(quantization.scale, leastScale))
    let results = (-128...127).map { transform(quantization.value(of: $0)) }
    let noise = lvtf_rounding_noise(
      values, images, counts, values.count, quantization.scale, Float(quantization.zeroPoint),
      results)
    return RangeChoice(
      quantization: quantization, method: method, decibels: decibels(signal, noise))
  }

  private func percentile(_ share: Double) -> (Float, Float) {
    let total = bins.reduce(0) { $0 + $1.count }
    let outside = total * (1 - share)
    var a = low, b = high
    var seen = 0.0
    for bin in bins {
      seen += bin.count
      if seen > outside { a = bin.value; break }
    }
    seen = 0
    for bin in bins.reversed() {
      seen += bin.count
      if seen > outside { b = bin.value; break }
    }
    return (min(0, a), max(0, b))
  }
}

/// 10 · log₁₀(signal / noise); 200 where there is no noise.
func decibels(_ signal: Double, _ noise: Double) -> Double {
  noise > 0 ? min(200, 10 * log10(max(signal, 1e-300) / noise)) : 200
}
