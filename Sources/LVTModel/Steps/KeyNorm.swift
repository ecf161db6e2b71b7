// SPDX-License-Identifier: Apache-2.0

/// ReLU and LayerNorm over the keys that a query sees, in place of a softmax: one γ and one β for each
/// head.
public struct KeyNorm: Equatable, Sendable {
  /// Byte offset of a float32 γ for each head, within ±2²⁴; a multiple of 64.
  public var gammaOffset = 0
  /// Byte offset of a float32 β for each head, within ±2²⁴; a multiple of 64.
  public var betaOffset = 0
  /// ε divided by the square of the scores' unit.
  public var epsilon: Float = 0

  /// Zeros, to be filled.
  public init() {}
}

extension KeyNorm: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.offset(&gammaOffset)
    try c.offset(&betaOffset)
    try c.float(&epsilon)
  }
}
