// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport

@testable import LVTModel

extension PlanSections {
  /// Makes the panels of all matrices valid again: sums, padding and multipliers.
  mutating func mendPanels() {
    guard let contents = Self.contents(of: file()) else { return }
    for step in contents.steps {
      for (matrix, segments) in zip(step.operation.matrices, contents.segments(of: step))
      where (1...32768).contains(matrix.k) && (1...65536).contains(matrix.n) {
        guard matrix.offset % 64 == 0, matrix.offset + matrix.byteCount <= self[.constants].count,
          (1...64).contains(segments.count), (1...65536).contains(segments.taps),
          matrix.k == segments.k
        else { continue }
        for column in 0..<matrix.panelCount * 16 { mend(column, of: matrix, segments) }
      }
    }
  }

  private mutating func mend(_ column: Int, of matrix: PackedMatrix, _ segments: MatrixSegments) {
    let panel = matrix.offset + column / 16 * matrix.panelBytes, lane = column % 16
    let isPadding = column >= matrix.n
    var sum = 0
    for i in 0..<(matrix.k + 3) / 4 * 4 {
      let at = panel + PackedMatrix.headerBytes + (i / 4 * 16 + lane) * 4 + i % 4
      if isPadding || !segments.means(i) { self[.constants][at] = 0 }
      if self[.constants][at] == 0x80 { self[.constants][at] = 0x81 }
      sum += Int(Int8(bitPattern: self[.constants][at]))
    }
    self[.constants].store(Int32(sum), at: panel + 64 + 4 * lane)
    let multiplier = Float(bitPattern: self[.constants].word(at: panel + 128 + 4 * lane))
    if isPadding || !(multiplier >= 0 && multiplier <= 0.5) {
      self[.constants].store(Float(isPadding ? 0 : 0.01).bitPattern, at: panel + 128 + 4 * lane)
    }
    if isPadding { self[.constants].store(Int32(0), at: panel + 4 * lane) }
  }
}
