// SPDX-License-Identifier: Apache-2.0

/// Limits within which calibrated values, scales and their products and quotients stay normal float32
/// numbers.
enum ScaleLimits {
  /// Of a calibrated value, in magnitude, and of an activation's scale.
  static let greatest: Float = 0x1p60
  /// The scale of values that are zeros, or as good as zeros.
  static let least: Float = 0x1p-60
  /// Of a weight's scale.
  static let greatestWeight: Float = 0x1p100

  /// A scale within the limits.
  static func scale(_ value: Float) -> Float { max(least, min(greatest, value)) }

  /// A finite number.
  static func finite(_ value: Float) -> Float {
    max(-.greatestFiniteMagnitude, min(.greatestFiniteMagnitude, value))
  }
}

extension Int32 {
  /// The nearest integer, to even, of at most 2³⁰ in magnitude; 0 for NaN.
  init(rounding value: Double) {
    let limited = Swift.max(-0x1p30, Swift.min(0x1p30, value.rounded(.toNearestOrEven)))
    self = value.isNaN ? 0 : Int32(limited)
  }
}
