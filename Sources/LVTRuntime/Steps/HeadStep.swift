// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension Workspace {
  /// Normalises, averages over positions and multiplies to float logits.
  ///
  /// Small: the first thread does it.
  func run(_ step: Head, _ share: Share) {
    guard share.thread == 0 else { return }
    let shape = share.input.shape
    let parts = HeadScratch(step, shape: shape, strip: share.strip)
    let normalized = share.scratch(parts.normalized, as: Int8.self)
    let stripSums = share.scratch(parts.stripSums, as: Int32.self)
    let sums = share.scratch(parts.sums, as: Int32.self)

    for c in 0..<shape.pitch { sums[c] = 0 }
    (0..<shape.positions).forEachStrip(rows: parts.stripRows) { strip in
      normalize(
        step.norm, strip.count, share.input.position(strip.lowerBound), stride: share.input.pitch,
        type: share.input.type, out: normalized, outStride: shape.pitch)
      kernels.column_sums_s8(normalized, shape.pitch, strip.count, shape.pitch, stripSums)
      for c in 0..<shape.pitch { sums[c] += stripSums[c] }
    }

    let mean = WideRow(bytes: share.scratch(parts.mean, as: Int8.self), pitch: shape.pitch)
    storeMeans(
      sums, of: shape, zeroPoint: step.norm.outputZeroPoint, multiplier: step.meanMultiplier,
      in: mean)
    multiply(
      step.matrix, mean, biasOffset: step.biasOffset,
      accumulators: share.scratch(parts.accumulators, as: Int32.self),
      scratch: share.scratch + parts.product,
      out: share.output.base.assumingMemoryBound(to: Float.self))
  }
}
