// SPDX-License-Identifier: Apache-2.0

/// eˣ for x within ±600, the same bits on every machine, within 10⁻¹⁴ of it.
///
/// x = n · ln 2 + r with |r| ≤ ln 2 / 2; eʳ is its series to the twelfth power. Each operation is one of IEEE's
/// own; a C library's `exp` is not the same in all.
package func exponential(_ x: Double) -> Double {
  let n = (x * 1.442_695_040_888_963_4).rounded(.toNearestOrEven)
  // The upper part of ln 2 has few digits, so that its product with n is exact.
  let r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33
  var sum = 1.0
  for k in stride(from: 12.0, to: 0, by: -1) { sum = 1 + sum * (r / k) }
  return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
}

/// The score of a logit: 1 / (1 + e⁻ˣ).
package func sigmoid(_ logit: Float) -> Float {
  let limited = max(-80, min(80, Double(logit)))
  return Float(1 / (1 + exponential(-limited)))
}
