// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Normalise and make queries, keys and values of all positions; when all threads have, let each attend
  /// with its own positions, project, and add them.
  ///
  /// A query is read by its own thread only, so the weighted means of the values take its place.
  func visit(_ step: MapAttention) {
    let shape = share.output.shape
    let parts = MapAttentionScratch(step, shape: shape, strip: share.strip)
    // The dilated kernel works on whole rows of the map.
    let unit = step.dilations == nil ? 1 : shape.width
    let units = share.range(of: shape.positions / unit)
    run(
      MapProjections(
        norm: step.norm, qkv: step.qkv, project: step.project,
        residualMultiplier: step.residualMultiplier),
      parts, units.lowerBound * unit..<units.upperBound * unit
    ) { qkv, scratch in
      attend(step, shape, units, qkv, parts, scratch)
    }
  }

  /// The same for each channel alone; the kernel works on whole rows of the map.
  func visit(_ step: DepthwiseAttention) {
    let shape = share.output.shape
    let parts = MapAttentionScratch(step, shape: shape, strip: share.strip)
    let rows = share.range(of: shape.height)
    run(
      MapProjections(
        norm: step.norm, qkv: step.qkv, project: step.project,
        residualMultiplier: step.residualMultiplier),
      parts, rows.lowerBound * shape.width..<rows.upperBound * shape.width
    ) { qkv, scratch in
      var attend = lvt_depthwise_attention_args()
      attend.q = UnsafePointer(qkv)
      attend.k = UnsafePointer(qkv + shape.paddedChannels)
      attend.v = UnsafePointer(qkv + 2 * shape.paddedChannels)
      attend.stride = parts.qkvPitch
      (attend.height, attend.width) = (shape.height, shape.width)
      (attend.y_begin, attend.y_end) = (rows.lowerBound, rows.upperBound)
      attend.kernel = step.kernel
      attend.channels = shape.paddedChannels
      attend.bias = constant(step.biasOffset, as: Int16.self)
      attend.out_zero_point = Int32(step.attendedZeroPoint)
      attend.out = qkv
      attend.out_stride = parts.qkvPitch
      attend.scratch = scratch
      switch step.weighting {
      case .softmax(let scores, let attended):
        attend.score_multiplier = constant(scores, as: Float.self)
        attend.out_multiplier = constant(attended, as: Float.self)
        kernels.depthwise_softmax_s8(&attend)
      case .layerNorm(let gamma, let beta, let epsilon):
        attend.gamma = constant(gamma, as: Float.self)
        attend.beta = constant(beta, as: Float.self)
        attend.epsilon = constant(epsilon, as: Float.self)
        kernels.depthwise_layernorm_s8(&attend)
      }
    }
  }

  /// What surrounds the attention of a map; `attend` replaces the queries of the positions `own`.
  private func run(
    _ step: MapProjections, _ parts: MapAttentionScratch, _ own: Range<Int>,
    attend: (_ qkv: UnsafeMutablePointer<Int8>, _ scratch: UnsafeMutableRawPointer) -> Void
  ) {
    let shape = share.output.shape
    let qkv = share.sharedScratch(parts.qkv, as: Int8.self)
    let kernelScratch = share.scratch + parts.kernel
    let normalized = share.scratch(parts.normalized, as: Int8.self)
    own.forEachStrip(rows: parts.stripRows) { strip in
      normalize(
        step.norm, strip.count, share.input.position(strip.lowerBound), stride: share.input.pitch,
        type: share.input.type, out: normalized, outStride: shape.paddedChannels)
      var multiply = product(
        step.qkv, normalized, stride: shape.paddedChannels, rows: strip.count,
        out: qkv + strip.lowerBound * parts.qkvPitch, outStride: parts.qkvPitch,
        scratch: kernelScratch)
      kernels.gemm_s8(&multiply)
    }
    barrier()

    attend(qkv, kernelScratch)
    own.forEachStrip(rows: parts.stripRows) { strip in
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
        key_norm: nil, out_multiplier: step.attendedMultiplier,
        out_zero_point: Int32(step.attendedZeroPoint),
        out: qkv, out_stride: parts.qkvPitch, scratch: scratch)
      kernels.attention_s8(&attend)
    }
  }
}

/// What lies before and behind the attention of a map.
private struct MapProjections {
  let norm: LayerNorm
  let qkv, project: PackedMatrix
  let residualMultiplier: Float
}
