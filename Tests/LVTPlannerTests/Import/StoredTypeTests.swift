// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LVTPlanner

struct StoredTypeTests {
  /// The value of a number in `width` bits with so many bits of fraction, by the definition of IEEE 754.
  private func value(_ bits: UInt16, exponentBits: Int, fractionBits: Int) -> Float {
    let fraction = Int(bits) & (1 << fractionBits - 1)
    let exponent = Int(bits) >> fractionBits & (1 << exponentBits - 1)
    let bias = 1 << (exponentBits - 1) - 1
    let magnitude: Double =
      switch exponent {
      case 0: Double(sign: .plus, exponent: 1 - bias - fractionBits, significand: Double(fraction))
      case 1 << exponentBits - 1: fraction == 0 ? .infinity : .nan
      default:
        Double(
          sign: .plus, exponent: exponent - bias - fractionBits,
          significand: Double(fraction + 1 << fractionBits))
      }
    return Float(bits >> 15 == 0 ? magnitude : -magnitude)
  }

  @Test(arguments: [(StoredType.float16, 5, 10), (.bfloat16, 8, 7)])
  func halfPrecisionIsExact(type: StoredType, exponentBits: Int, fractionBits: Int) {
    let all = (0...UInt16.max).map { $0 }
    let found = all.flatMap { bytes($0) }.withUnsafeBytes { type.floats(from: $0) }
    for (bits, found) in zip(all, found) {
      let expected = value(bits, exponentBits: exponentBits, fractionBits: fractionBits)
      #expect(expected.isNaN ? found.isNaN : found.bitPattern == expected.bitPattern, "\(bits)")
    }
  }
}
