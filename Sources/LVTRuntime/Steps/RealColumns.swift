// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// The sums of a product as real numbers: each column's, times its multiplier.
struct RealColumns {
  private let panels: UnsafePointer<UInt8>
  private let panelBytes: Int

  /// The columns of a matrix; nil where a plan has no constants.
  init?(_ run: StepRun, _ matrix: PackedMatrix) {
    guard let panels = run.constant(matrix.offset, as: UInt8.self) else { return nil }
    self.panels = panels
    panelBytes = matrix.panelBytes
  }

  /// A column of a row of sums.
  subscript(column: Int, sums: UnsafePointer<Int32>) -> Float {
    let multipliers = UnsafeRawPointer(
      panels + column / Shape.block * panelBytes + PackedMatrix.multiplierOffset
    ).assumingMemoryBound(to: Float.self)
    return Float(sums[column]) * multipliers[column % Shape.block]
  }
}
