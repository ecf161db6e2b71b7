// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension Workspace {
  /// Arguments of a matrix product with int8 output and no residual; callers change what differs.
  func product(
    _ matrix: PackedMatrix, _ a: UnsafePointer<Int8>, stride: Int, rows: Int,
    out: UnsafeMutableRawPointer, outStride: Int, scratch: UnsafeMutableRawPointer
  ) -> lvt_gemm_args {
    lvt_gemm_args(
      a: a, a_stride: stride, rows: rows, k: matrix.k,
      panels: constant(matrix.offset, as: UInt8.self), panel_count: matrix.panelCount,
      out: out, out_stride: outStride, output: LVT_OUTPUT_S8,
      out_zero_point: Int32(matrix.outputZeroPoint), out_lo: Int32(matrix.lowerBound), out_hi: 127,
      residual: nil, residual_stride: 0, residual_zero_point: 0, residual_multiplier: 0,
      scratch: scratch)
  }

  /// Normalises rows to int8 with the constants of a plan.
  func normalize(
    _ norm: LayerNorm, _ rows: Int, _ input: UnsafeRawPointer, stride: Int, isInt16: Bool,
    out: UnsafeMutablePointer<Int8>, outStride: Int
  ) {
    let inverse = 1 / Float(norm.channels)
    var arguments = lvt_layernorm_args(
      in: input, in_stride: stride, in_is_s16: isInt16 ? 1 : 0, rows: rows,
      channels: norm.channels, gamma: constant(norm.gammaOffset, as: Float.self),
      beta: constant(norm.betaOffset, as: Float.self), inv_n: inverse,
      inv_n2: inverse * inverse, epsilon: norm.epsilon,
      out_zero_point: Int32(norm.outputZeroPoint), out: out, out_stride: outStride)
    kernels.layernorm(&arguments)
  }
}
