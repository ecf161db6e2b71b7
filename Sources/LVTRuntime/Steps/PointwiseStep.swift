// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// A matrix product over this thread's positions, with the residual added where it stands; an int16
  /// input is narrowed strip by strip.
  func visit(_ step: Pointwise) {
    let parts = PointwiseScratch(
      step, positions: share.output.shape.positions, strip: share.strip)
    share.forEachStrip(of: share.output.shape.positions, rows: parts.stripRows) { strip in
      var source = share.input.position(strip.lowerBound), stride = share.input.pitch
      if let narrowing = step.narrowing {
        (source, stride) = (share.scratch(parts.narrowed, as: Int8.self), parts.narrowedPitch)
        narrow(narrowing, share.input, strip, out: source, outStride: stride)
      }
      var multiply = product(
        step.matrix, source, stride: stride, to: share.output, strip,
        scratch: share.scratch + parts.product)
      if let multiplier = step.residualMultiplier {
        multiply.add(share.inputs[1], from: strip.lowerBound, multiplier: multiplier)
      }
      kernels.gemm_s8(&multiply)
    }
  }
}
