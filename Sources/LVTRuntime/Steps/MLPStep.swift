// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension Workspace {
  /// Strip by strip: normalise if there is a LayerNorm, expand to the hidden width, look up the
  /// activation, project back and add the input.
  func run(_ step: MLP, _ share: Share) {
    let positions = share.output.shape.positions
    let parts = MLPScratch(step, positions: positions)
    let hidden = share.scratch(parts.hidden, as: Int8.self)
    let hiddenPitch = step.expand.panelCount * Shape.block
    let productScratch = share.scratch + parts.product
    share.forEachStrip(of: positions, rows: parts.strip.rows) { strip in
      var source = share.input.position(strip.lowerBound)
      if let norm = step.norm {
        let normalized = share.scratch(parts.normalized, as: Int8.self)
        normalize(
          norm, strip.count, source, stride: share.input.pitch, isInt16: false, out: normalized,
          outStride: share.input.pitch)
        source = normalized
      }
      var expand = product(
        step.expand, source, stride: share.input.pitch, rows: strip.count, out: hidden,
        outStride: hiddenPitch, scratch: productScratch)
      kernels.gemm_s8(&expand)
      kernels.table_s8(
        hidden, hidden, strip.count * hiddenPitch, constant(step.tableOffset, as: Int8.self))
      var project = product(
        step.project, hidden, stride: hiddenPitch, rows: strip.count,
        out: share.output.position(strip.lowerBound), outStride: share.output.pitch,
        scratch: productScratch)
      project.residual = UnsafePointer(share.input.position(strip.lowerBound))
      project.residual_stride = share.input.pitch
      project.residual_zero_point = share.input.zeroPoint
      project.residual_multiplier = step.residualMultiplier
      kernels.gemm_s8(&project)
    }
  }
}
