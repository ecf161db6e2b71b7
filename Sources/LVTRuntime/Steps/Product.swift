// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Arguments of a matrix product whose output are rows of a map.
  func product(
    _ matrix: PackedMatrix, _ a: UnsafePointer<Int8>, stride: Int, to map: Map,
    _ positions: Range<Int>, scratch: UnsafeMutableRawPointer
  ) -> lvt_gemm_args {
    var arguments = product(
      matrix, a, stride: stride, rows: positions.count, out: map.position(positions.lowerBound),
      outStride: map.pitch, scratch: scratch)
    arguments.output = map.type == .int16 ? LVT_OUTPUT_S16 : LVT_OUTPUT_S8
    return arguments
  }

  /// Arguments of a matrix product with int8 output and no residual; callers change what differs.
  func product(
    _ matrix: PackedMatrix, _ a: UnsafePointer<Int8>, stride: Int, rows: Int,
    out: UnsafeMutableRawPointer, outStride: Int, scratch: UnsafeMutableRawPointer
  ) -> lvt_gemm_args {
    lvt_gemm_args(
      a: a, a_stride: stride, rows: rows, k: matrix.k, segments: 1, segment_stride: 0,
      line_rows: rows, line_stride: 0,
      panels: constant(matrix.offset, as: UInt8.self), panel_count: matrix.panelCount,
      out: out, out_stride: outStride, output: LVT_OUTPUT_S8,
      out_zero_point: Int32(matrix.outputZeroPoint), out_lo: Int32(matrix.lowerBound),
      residual: nil, residual_stride: 0, residual_zero_point: 0, residual_multiplier: 0,
      is_residual_behind_relu: false,
      scratch: scratch)
  }

  /// Normalises rows of int8 or int16 with the constants of a plan, to either.
  func normalize(
    _ norm: LayerNorm, _ rows: Int, _ input: UnsafeRawPointer, stride: Int, type: ElementType,
    out: UnsafeMutableRawPointer, outStride: Int, outType: ElementType = .int8
  ) {
    let inverse = 1 / Float(norm.channels)
    var arguments = lvt_layernorm_args(
      in: input, in_stride: stride, in_is_s16: type == .int16 ? 1 : 0, rows: rows,
      channels: norm.channels, gamma: constant(norm.gammaOffset, as: Float.self),
      beta: constant(norm.betaOffset, as: Float.self), inv_n: inverse,
      inv_n2: inverse * inverse, epsilon: norm.epsilon,
      out_is_s16: outType == .int16 ? 1 : 0, out_zero_point: Int32(norm.outputZeroPoint),
      out: out, out_stride: outStride)
    kernels.layernorm(&arguments)
  }

  /// Rounds positions of an int16 map to rows of int8.
  func narrow(
    _ narrowing: Narrowing, _ map: Map, _ positions: Range<Int>,
    out: UnsafeMutablePointer<Int8>, outStride: Int
  ) {
    var arguments = lvt_narrow_args(
      in: UnsafeRawPointer(map.position(positions.lowerBound)).assumingMemoryBound(to: Int16.self),
      in_stride: map.pitch, out: out, out_stride: outStride, rows: positions.count,
      channels: map.shape.paddedChannels, multiplier: narrowing.multiplier,
      out_zero_point: Int32(narrowing.zeroPoint))
    kernels.narrow_s16(&arguments)
  }
}

extension lvt_gemm_args {
  /// Adds a position of a map, and those that follow, to the rows of the output.
  mutating func add(_ map: Map, from position: Int, multiplier: Float) {
    residual = UnsafeRawPointer(map.position(position))
    residual_stride = map.pitch
    residual_zero_point = map.zeroPoint
    residual_multiplier = multiplier
  }
}
