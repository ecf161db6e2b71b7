// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Sums this thread's share of the parts, row by row, and rounds their means.
  func visit(_ step: AdaptiveMean) {
    let shape = share.input.shape, bins = step.bins
    let parts = AdaptiveMeanScratch(share.output.shape)
    let rowSums = share.scratch(parts.rowSums, as: Int32.self)
    let sums = share.scratch(parts.sums, as: Int32.self)
    for bin in share.range(of: bins * bins) {
      let rows = AdaptiveMean.range(bin / bins, of: shape.height, bins: bins)
      let columns = AdaptiveMean.range(bin % bins, of: shape.width, bins: bins)
      for c in 0..<shape.paddedChannels { sums[c] = 0 }
      for y in rows {
        kernels.column_sums_s8(
          share.input.position(y * shape.width + columns.lowerBound), share.input.pitch,
          columns.count, shape.paddedChannels, rowSums)
        for c in 0..<shape.paddedChannels { sums[c] += rowSums[c] }
      }
      let count = rows.count * columns.count
      let zero = Int32(count) * share.input.zeroPoint
      let multiplier = step.multiplier / Float(count)
      let out = share.output.position(bin)
      for c in 0..<shape.paddedChannels {
        let mean = (Float(sums[c] - zero) * multiplier).rounded(.toNearestOrEven)
        out[c] = Int8(max(-128, min(127, mean + Float(share.output.zeroPoint))))
      }
    }
  }
}
