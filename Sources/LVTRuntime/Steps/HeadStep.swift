// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension Workspace {
  /// Normalises, averages over positions and multiplies to float logits.
  ///
  /// Small: the first thread does it.
  ///
  /// The mean is kept as int16, 256 · high + low, and both bytes go through the int8 product as two
  /// rows: the mean of many positions is finer than int8, and so are the logits then.
  func run(_ step: Head, _ share: Share) {
    guard share.thread == 0 else { return }
    let shape = share.input.shape
    let parts = HeadScratch(step, shape: shape)
    let normalized = share.scratch(parts.normalized, as: Int8.self)
    let stripSums = share.scratch(parts.stripSums, as: Int32.self)
    let sums = share.scratch(parts.sums, as: Int32.self)
    let mean = share.scratch(parts.mean, as: Int8.self)

    for c in 0..<shape.pitch { sums[c] = 0 }
    var start = 0
    while start < shape.positions {
      let count = min(parts.strip.rows, shape.positions - start)
      normalize(
        step.norm, count, share.input.position(start), stride: shape.pitch, isInt16: false,
        out: normalized, outStride: shape.pitch)
      kernels.column_sums_s8(normalized, shape.pitch, count, shape.pitch, stripSums)
      for c in 0..<shape.pitch { sums[c] += stripSums[c] }
      start += count
    }

    let zero = Int32(shape.positions * step.norm.outputZeroPoint)
    for c in 0..<shape.pitch {
      let real = (Float(sums[c] - zero) * step.meanMultiplier).rounded(.toNearestOrEven)
      let value = Int32(max(-32768, min(32639, real)))  // 32639 = 256 · 127 + 127
      let high = (value + 128) >> 8
      mean[c] = Int8(truncatingIfNeeded: high)
      mean[shape.pitch + c] = Int8(truncatingIfNeeded: value - 256 * high)
    }

    let accumulators = share.scratch(parts.accumulators, as: Int32.self)
    let width = step.matrix.panelCount * Shape.block
    var multiply = product(
      step.matrix, mean, stride: shape.pitch, rows: 2, out: accumulators, outStride: width * 4,
      scratch: share.scratch + parts.product)
    multiply.output = LVT_OUTPUT_S32
    kernels.gemm_s8(&multiply)

    let logits = share.output.base.assumingMemoryBound(to: Float.self)
    guard let bias = constant(step.biasOffset, as: Float.self),
      let panels = constant(step.matrix.offset, as: UInt8.self)
    else { return }
    for n in 0..<step.matrix.n {
      let panel = UnsafeRawPointer(panels + n / Shape.block * step.matrix.panelBytes)
      let multiplier = panel.loadUnaligned(
        fromByteOffset: 128 + n % Shape.block * 4, as: Float.self)
      let sum = Int64(accumulators[n]) * 256 + Int64(accumulators[width + n])
      let product = Float(sum) * multiplier
      logits[n] = product + bias[n]
    }
  }
}
