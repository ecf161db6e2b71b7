// SPDX-License-Identifier: Apache-2.0
//
// The reference's own rounding, written without the sum trick of requantize.h.

/// The nearest integer, the even one of two; at most 2^24 in magnitude, beyond every output's range.
func nearestEven(_ value: Float) -> Int {
  let limit: Float = 0x1p24
  if value >= limit { return 1 << 24 }
  if value <= -limit { return -(1 << 24) }
  let whole = Int(value)
  let rest = Double(value) - Double(whole)
  let away = rest.magnitude > 0.5 || (rest.magnitude == 0.5 && whole % 2 != 0)
  return away ? whole + (rest < 0 ? -1 : 1) : whole
}

/// clamp(zero point + rne(value), bounds), as a byte.
func quantized(_ value: Float, zeroPoint: Int, _ bounds: ClosedRange<Int>) -> UInt8 {
  let q = zeroPoint + nearestEven(value)
  let clamped = min(max(q, bounds.lowerBound), bounds.upperBound)
  return UInt8(bitPattern: Int8(clamped))
}

/// The int16 at a byte offset, little-endian.
func int16(_ bytes: [UInt8], at offset: Int) -> Int {
  Int(Int16(bitPattern: UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8))
}
