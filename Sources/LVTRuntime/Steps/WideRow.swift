// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

/// A row of int16 values, 256 · high + low, as two rows of int8.
///
/// Both rows go through the int8 product, so a value that is finer than int8, such as the mean of
/// many positions, keeps what it has.
struct WideRow {
  /// The high bytes; the low ones follow `pitch` bytes later.
  let bytes: UnsafeMutablePointer<Int8>
  let pitch: Int

  /// Rounds a finite number to the nearest value that two bytes hold.
  func store(_ real: Float, at index: Int) {
    let rounded = real.rounded(.toNearestOrEven)
    let value = Int32(max(-32768, min(32639, rounded)))  // 32639 = 256 · 127 + 127
    let high = (value + 128) >> 8
    bytes[index] = Int8(truncatingIfNeeded: high)
    bytes[pitch + index] = Int8(truncatingIfNeeded: value - 256 * high)
  }

  /// Stores what integers stand for: `(value − zero) · multiplier`.
  func store(_ values: UnsafePointer<Int32>, channels: Int, zero: Int, multiplier: Float) {
    for c in 0..<channels { store(Float(values[c] - Int32(zero)) * multiplier, at: c) }
  }
}

extension StepRun {
  /// `out[n] = f32(256 · high + low) · multiplier[n] + bias[n]` for the columns of a matrix, where high
  /// and low are the sums of the row's bytes.
  ///
  /// - Parameters:
  ///   - accumulators: Room for two rows of whole panels.
  ///   - scratch: The product's.
  func multiply(
    _ matrix: PackedMatrix, _ row: WideRow, biasOffset: Int,
    accumulators: UnsafeMutablePointer<Int32>, scratch: UnsafeMutableRawPointer,
    out: UnsafeMutablePointer<Float>
  ) {
    let width = matrix.panelCount * Shape.block
    var arguments = product(
      matrix, row.bytes, stride: row.pitch, rows: 2, out: accumulators, outStride: width * 4,
      scratch: scratch)
    arguments.output = LVT_OUTPUT_S32
    kernels.gemm_s8(&arguments)

    guard let bias = constant(biasOffset, as: Float.self),
      let panels = constant(matrix.offset, as: UInt8.self)
    else { return }
    for first in stride(from: 0, to: matrix.n, by: Shape.block) {
      let multipliers = UnsafeRawPointer(
        panels + first / Shape.block * matrix.panelBytes + PackedMatrix.multiplierOffset
      ).assumingMemoryBound(to: Float.self)
      for n in first..<min(first + Shape.block, matrix.n) {
        let sum = Int64(accumulators[n]) * 256 + Int64(accumulators[width + n])
        let product = Float(sum) * multipliers[n - first]
        out[n] = product + bias[n]
      }
    }
  }
}
