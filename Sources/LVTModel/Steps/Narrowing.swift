// SPDX-License-Identifier: Apache-2.0

/// How an int16 map becomes the int8 rows that a product reads:
/// `q8 = clamp(zeroPoint + rne(f32(q16) · multiplier))`.
public struct Narrowing: Equatable, Sendable {
  /// Scale of the map over that of the rows.
  public var multiplier: Float = 0
  /// What zero is in the rows, −128 … 127.
  public var zeroPoint = 0

  /// Zeros, to be filled.
  public init() {}
}

extension Narrowing: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.float(&multiplier)
    try c.signed(&zeroPoint)
  }
}
