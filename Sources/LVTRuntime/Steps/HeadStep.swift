// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Normalises, pools over positions and, if there is a classifier, multiplies to float logits.
  ///
  /// Small: the first thread does it.
  func visit(_ step: Head) {
    guard share.thread == 0 else { return }
    let shape = share.input.shape
    let parts = HeadScratch(step, shape: shape, strip: share.strip)
    let normalized = share.scratch(parts.normalized, as: Int8.self)
    let stripSums = share.scratch(parts.stripSums, as: Int32.self)
    let pooled = share.scratch(parts.pooled, as: Int32.self)

    for c in 0..<shape.paddedChannels { pooled[c] = step.pooling == .mean ? 0 : -128 }
    (0..<shape.positions).forEachStrip(rows: parts.stripRows) { strip in
      normalize(
        step.norm, strip.count, share.input.position(strip.lowerBound), stride: share.input.pitch,
        type: share.input.type, out: normalized, outStride: shape.paddedChannels)
      switch step.pooling {
      case .mean:
        kernels.column_sums_s8(
          normalized, shape.paddedChannels, strip.count, shape.paddedChannels, stripSums)
        for c in 0..<shape.paddedChannels { pooled[c] += stripSums[c] }
      case .maximum:
        for i in 0..<strip.count * shape.paddedChannels {
          let c = i % shape.paddedChannels
          pooled[c] = max(pooled[c], Int32(normalized[i]))
        }
      }
    }

    let count = step.pooling == .mean ? shape.positions : 1
    let zero = count * step.norm.outputZeroPoint
    let out = share.output.base.assumingMemoryBound(to: Float.self)
    guard let classifier = step.classifier else {
      for c in 0..<shape.channels {
        out[c] = Float(pooled[c] - Int32(zero)) * step.poolingMultiplier
      }
      return
    }
    let row = WideRow(bytes: share.scratch(parts.row, as: Int8.self), pitch: shape.paddedChannels)
    row.store(
      pooled, channels: shape.paddedChannels, zero: zero, multiplier: step.poolingMultiplier)
    multiply(
      classifier.matrix, row, biasOffset: classifier.biasOffset,
      accumulators: share.scratch(parts.accumulators, as: Int32.self),
      scratch: share.scratch + parts.product, out: out)
  }
}
