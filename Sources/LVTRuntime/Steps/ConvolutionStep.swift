// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Strip by strip: gather neighbourhoods, multiply, look up the activation if there is one.
  func visit(_ step: Convolution) {
    let (input, output) = (share.input, share.output)
    let channels = step.outside == nil ? input.shape.channels : Convolution.pictureChannels
    let parts = ConvolutionScratch(
      step, channels: input.shape.channels, positions: output.shape.positions, strip: share.strip)
    let outside = share.scratch(parts.outside, as: Int8.self)
    for c in 0..<channels { outside[c] = step.outside?[c] ?? Int8(input.zeroPoint) }
    let taps = share.scratch(parts.taps, as: Int8.self)
    let pixelBytes = step.outside == nil ? input.pitch : input.shape.channels
    var gather = lvt_taps_args(
      in: UnsafeRawPointer(input.base), row_stride: input.shape.width * pixelBytes,
      pixel_stride: pixelBytes, height: input.shape.height, width: input.shape.width,
      channels: channels, kernel: step.kernel, step: step.stride, columns: output.shape.width,
      first: 0, count: 0, outside: outside, out: taps, out_stride: parts.tapsPitch)
    share.forEachStrip(of: output.shape.positions, rows: parts.stripRows) { strip in
      gather.first = strip.lowerBound
      gather.count = strip.count
      if step.outside == nil { kernels.taps_s8(&gather) } else { kernels.taps_u8(&gather) }
      var multiply = product(
        step.matrix, taps, stride: parts.tapsPitch, to: output, strip,
        scratch: share.scratch + parts.product)
      kernels.gemm_s8(&multiply)
      if let table = step.tableOffset {
        let result = output.position(strip.lowerBound)
        kernels.table_s8(
          result, result, strip.count * output.pitch, constant(table, as: Int8.self))
      }
    }
  }
}
