// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension Workspace {
  /// Normalise and make queries, keys and values of all positions; when all threads have, let each attend
  /// with its own positions, project, and add them.
  ///
  /// A query is read by its own thread only, so the weighted means of the values take its place.
  func run(_ step: MapAttention, _ share: Share, barrier: () -> Void) {
    let shape = share.output.shape
    let parts = MapAttentionScratch(step, shape: shape)
    let qkv = share.sharedScratch(parts.qkv, as: Int8.self)
    let kernelScratch = share.scratch + parts.kernel
    // The dilated kernel works on whole rows of the map.
    let unit = step.dilations == nil ? 1 : shape.width
    let units = share.range(of: shape.positions / unit)
    let own = units.lowerBound * unit..<units.upperBound * unit

    let normalized = share.scratch(parts.normalized, as: Int8.self)
    own.forEachStrip(rows: parts.strip.rows) { strip in
      normalize(
        step.norm, strip.count, share.input.position(strip.lowerBound), stride: share.input.pitch,
        type: share.input.type, out: normalized, outStride: shape.pitch)
      var multiply = product(
        step.qkv, normalized, stride: shape.pitch, rows: strip.count,
        out: qkv + strip.lowerBound * parts.qkvPitch, outStride: parts.qkvPitch,
        scratch: kernelScratch)
      kernels.gemm_s8(&multiply)
    }
    barrier()

    attend(step, shape, units, qkv, parts, kernelScratch)
    own.forEachStrip(rows: parts.strip.rows) { strip in
      var project = product(
        step.project, qkv + strip.lowerBound * parts.qkvPitch, stride: parts.qkvPitch,
        to: share.output, strip, scratch: kernelScratch)
      project.add(share.input, from: strip.lowerBound, multiplier: step.residualMultiplier)
      kernels.gemm_s8(&project)
    }
  }

  /// Replaces queries by what their positions attend to: those of positions `units`, or of such rows of
  /// the map.
  private func attend(
    _ step: MapAttention, _ shape: Shape, _ units: Range<Int>, _ qkv: UnsafeMutablePointer<Int8>,
    _ parts: MapAttentionScratch, _ scratch: UnsafeMutableRawPointer
  ) {
    let keys = qkv + shape.channels, values = qkv + 2 * shape.channels
    let headChannels = shape.channels / step.heads
    if let dilations = step.dilations {
      var attend = lvt_dilated_attention_args(
        q: qkv, k: keys, v: values, stride: parts.qkvPitch, height: shape.height,
        width: shape.width, y_begin: units.lowerBound, y_end: units.upperBound,
        dilations: dilations, heads: step.heads, head_dim: headChannels,
        score_multiplier: step.scoreMultiplier, out_multiplier: step.attendedMultiplier,
        out_zero_point: Int32(step.attendedZeroPoint), out: qkv, out_stride: parts.qkvPitch,
        scratch: scratch)
      kernels.dilated_attention_s8(&attend)
    } else {
      var attend = lvt_attention_args(
        q: qkv, k: keys, v: values, stride: parts.qkvPitch, keys: shape.positions,
        first: units.lowerBound, queries: units.count, heads: step.heads, head_dim: headChannels,
        score_multiplier: step.scoreMultiplier, bias: nil, window: 0, regions: nil,
        out_multiplier: step.attendedMultiplier, out_zero_point: Int32(step.attendedZeroPoint),
        out: qkv, out_stride: parts.qkvPitch, scratch: scratch)
      kernels.attention_s8(&attend)
    }
  }
}
