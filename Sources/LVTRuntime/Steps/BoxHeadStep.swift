// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Strip by strip of this thread's regions: their cells, convolved one region after the other, then products of
  /// all of them.
  func visit(_ step: BoxHead) {
    let levels = step.align.strides.count, room = share.output.shape.width
    let parts = BoxHeadScratch(step, regions: room, strip: share.strip) { share.inputs[$0].shape }
    let values = share.output.shape.channels
    let regions = RegionRows(
      share.inputs[levels].base.assumingMemoryBound(to: Float.self),
      width: Proposals.regionValues, room: room)
    let out = share.output.base.assumingMemoryBound(to: Float.self)
    let cells = RegionCells(
      self, step.align, kernel: step.kernel, parts.region, product: parts.product)
    share.forEachStrip(of: regions.count, rows: parts.stripRows) { strip in
      for (row, region) in strip.enumerated() {
        let place = share.scratch(parts.cells, as: Int8.self) + row * parts.cellsPitch
        if step.convolutions.isEmpty {
          _ = cells.read(regions.box(region), to: place)
        } else {
          let map = cells.read(
            regions.box(region), to: share.scratch(parts.region.maps.1, as: Int8.self))
          _ = cells.convolve(step.convolutions, map, to: place)
        }
      }
      multiply(step, parts, rows: strip.count, to: out + strip.lowerBound * values)
    }
    for region in share.range(of: room) where region >= regions.count {
      (out + region * values).update(repeating: 0, count: values)
    }
  }

  /// The products of a strip, and their last sums as real numbers.
  private func multiply(
    _ step: BoxHead, _ parts: BoxHeadScratch, rows: Int, to out: UnsafeMutablePointer<Float>
  ) {
    let scratch = share.scratch + parts.product
    var source = share.scratch(parts.cells, as: Int8.self), stride = parts.cellsPitch
    for (i, matrix) in step.products.enumerated() {
      let hidden = share.scratch(i % 2 == 0 ? parts.hidden.0 : parts.hidden.1, as: Int8.self)
      var multiply = product(
        matrix, source, stride: stride, rows: rows, out: hidden, outStride: parts.hiddenPitch,
        scratch: scratch)
      kernels.gemm_s8(&multiply)
      (source, stride) = (hidden, parts.hiddenPitch)
    }
    let sums = share.scratch(parts.sums, as: Int32.self)
    var last = product(
      step.output, source, stride: stride, rows: rows, out: sums, outStride: parts.sumsPitch * 4,
      scratch: scratch)
    last.output = LVT_OUTPUT_S32
    kernels.gemm_s8(&last)
    guard let reals = RealColumns(self, step.output) else { return }
    for row in 0..<rows {
      for column in 0..<step.output.n {
        out[row * step.output.n + column] = reals[column, sums + row * parts.sumsPitch]
      }
    }
  }
}
