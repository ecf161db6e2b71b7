// SPDX-License-Identifier: Apache-2.0

/// LayerNorm constants in the plan: γ/s_out and β/s_out as float32, padded to blocks of 16.
public struct LayerNorm: Equatable, Sendable {
  /// Channels that are normalised together.
  public var channels = 0
  /// Byte offset of γ/s_out, a multiple of 64.
  public var gammaOffset = 0
  /// Byte offset of β/s_out, a multiple of 64.
  public var betaOffset = 0
  /// ε divided by the square of the input's scale.
  public var epsilon: Float = 0
  /// What zero is in the output.
  public var outputZeroPoint = 0

  /// Zeros, to be filled.
  public init() {}
}

extension LayerNorm: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&channels)
    try c.offset(&gammaOffset)
    try c.offset(&betaOffset)
    try c.float(&epsilon)
    try c.signed(&outputZeroPoint)
  }
}
