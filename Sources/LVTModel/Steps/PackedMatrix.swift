// SPDX-License-Identifier: Apache-2.0

/// A packed matrix in the plan's constants: `panelCount` panels of 16 columns (CLVTKernels, pack.c).
public struct PackedMatrix: Equatable, Sendable {
  /// Rows: inputs of a column.
  ///
  /// For a depth-wise filter, its padded taps.
  public var k = 0
  /// Columns that mean something; panels are padded to 16.
  public var n = 0
  /// Byte offset in the constants, a multiple of 64.
  public var offset = 0
  /// What zero is in the output, −128 … 127.
  public var outputZeroPoint = 0
  /// Smallest output value: the output's zero point for a ReLU, else −128.
  public var lowerBound = 0

  /// Zeros, to be filled.
  public init() {}

  /// Panels of 16 columns.
  public var panelCount: Int { Shape.blocks(n) }
  /// Bytes of one panel: bias, column sums and multipliers, then the weights.
  public var panelBytes: Int { PackedMatrix.headerBytes + (k + 3) / 4 * 64 }
  /// Bytes of the matrix.
  public var byteCount: Int { panelCount * panelBytes }
  /// The matrix of some consecutive panels only.
  public func part(_ panels: Range<Int>) -> PackedMatrix {
    var part = self
    part.offset += panels.lowerBound * panelBytes
    part.n = min(n, panels.upperBound * Shape.block) - panels.lowerBound * Shape.block
    return part
  }
  /// Where the multipliers of a panel's columns start.
  public static let multiplierOffset = 128
  /// Bytes in front of a panel's weights.
  public static let headerBytes = 192
}

extension PackedMatrix: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&k)
    try c.index(&n)
    try c.offset(&offset)
    try c.signed(&outputZeroPoint)
    try c.signed(&lowerBound)
  }
}
