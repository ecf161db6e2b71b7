// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Strip by strip: normalise if there is a LayerNorm, or narrow an int16 input, expand to the hidden
  /// width, look up the activation, project back and add the input.
  func visit(_ step: MLP) {
    let positions = share.output.shape.positions
    let parts = MLPScratch(step, positions: positions, strip: share.strip)
    let hidden = share.scratch(parts.hidden, as: Int8.self)
    let hiddenPitch = step.expand.panelCount * Shape.block
    let productScratch = share.scratch + parts.product
    share.forEachStrip(of: positions, rows: parts.stripRows) { strip in
      var source = share.input.position(strip.lowerBound)
      let pitch = share.input.shape.paddedChannels
      if let norm = step.norm {
        let input = source
        source = share.scratch(parts.source, as: Int8.self)
        normalize(
          norm, strip.count, input, stride: share.input.pitch, type: share.input.type, out: source,
          outStride: pitch)
      } else if let narrowing = step.narrowing {
        source = share.scratch(parts.source, as: Int8.self)
        narrow(narrowing, share.input, strip, out: source, outStride: pitch)
      }
      var expand = product(
        step.expand, source, stride: pitch, rows: strip.count, out: hidden,
        outStride: hiddenPitch, scratch: productScratch)
      kernels.gemm_s8(&expand)
      kernels.table_s8(
        hidden, hidden, strip.count * hiddenPitch, constant(step.tableOffset, as: Int8.self))
      var project = product(
        step.project, hidden, stride: hiddenPitch, to: share.output, strip,
        scratch: productScratch)
      project.add(share.input, from: strip.lowerBound, multiplier: step.residualMultiplier)
      kernels.gemm_s8(&project)
    }
  }
}
