// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Computes the filter from the input's mean, then convolves this thread's rows.
  ///
  /// The first thread computes the hidden values, which are few. Each thread makes the panels of its
  /// share of the channel blocks, in the first thread's scratch, where all find them.
  func visit(_ step: DynamicDepthwise) {
    let parts = DynamicDepthwiseScratch(step, shape: share.input.shape)
    let rows = DepthwiseRows(kernel: step.kernel, share)
    let hidden = WideRow(
      bytes: share.sharedScratch(parts.hidden, as: Int8.self), pitch: parts.hiddenPitch)
    if rows.needCopies { rows.copyNeighbours() }
    if share.thread == 0 { squeeze(step, parts, hidden) }
    barrier()
    makePanels(step, parts, hidden)
    barrier()
    let zeroPoint = Int(share.output.zeroPoint)  // and the least output: ReLU
    rows.convolve(
      panels: share.sharedScratch + parts.panels, panelBytes: parts.panelBytes,
      outputZeroPoint: zeroPoint, lowerBound: zeroPoint, kernels)
  }

  /// Mean over positions → product → ReLU.
  private func squeeze(
    _ step: DynamicDepthwise, _ parts: DynamicDepthwiseScratch, _ hidden: WideRow
  ) {
    let shape = share.input.shape
    let sums = share.scratch(parts.sums, as: Int32.self)
    let mean = WideRow(bytes: share.scratch(parts.mean, as: Int8.self), pitch: shape.paddedChannels)
    kernels.column_sums_s8(
      share.input.position(0), shape.paddedChannels, shape.positions, shape.paddedChannels, sums)
    mean.store(
      sums, channels: shape.paddedChannels, zero: shape.positions * Int(share.input.zeroPoint),
      multiplier: step.meanMultiplier)
    let values = share.scratch(parts.values, as: Float.self)
    multiply(
      step.squeeze, mean, biasOffset: step.squeezeBiasOffset,
      accumulators: share.scratch(parts.accumulators, as: Int32.self),
      scratch: share.scratch + parts.product, out: values)
    for n in 0..<step.squeeze.n { hidden.store(max(0, values[n]), at: n) }
  }

  /// The taps of this thread's channel blocks, rounded and packed.
  private func makePanels(
    _ step: DynamicDepthwise, _ parts: DynamicDepthwiseScratch, _ hidden: WideRow
  ) {
    let taps = step.kernel * step.kernel
    let values = share.scratch(parts.values, as: Float.self)
    var arguments = lvt_pack_dwconv_args(
      weights: values, bias: nil, kernel: step.kernel, in_scale: share.input.scale,
      out_scale: share.output.scale, in_zero_point: share.input.zeroPoint, panel: nil)
    for block in share.range(of: Shape.blocks(share.input.shape.channels)) {
      multiply(
        step.expand.part(block * taps..<(block + 1) * taps), hidden,
        biasOffset: step.expandBiasOffset + block * taps * Shape.block * 4,
        accumulators: share.scratch(parts.accumulators, as: Int32.self),
        scratch: share.scratch + parts.product, out: values)
      arguments.bias = constant(step.biasOffset + block * Shape.block * 4, as: Float.self)
      arguments.panel = share.sharedScratch(
        parts.panels + block * parts.panelBytes, as: lvt_panel.self)
      kernels.pack_dwconv_f32(&arguments)
    }
  }
}
