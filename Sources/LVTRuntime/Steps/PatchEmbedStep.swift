// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Strip by strip: gather patches of the picture, multiply to int16, normalise.
  func visit(_ step: PatchEmbed) {
    let positions = share.output.shape.positions
    let parts = PatchEmbedScratch(step, positions: positions, strip: share.strip)
    let patches = share.scratch(parts.patches, as: Int8.self)
    let sums = share.scratch + parts.sums
    let sumsPitch = step.matrix.panelCount * Shape.block * 2
    share.forEachStrip(of: positions, rows: parts.stripRows) { strip in
      var gather = lvt_patches_args(
        picture: share.input.base.assumingMemoryBound(to: UInt8.self),
        picture_stride: share.input.shape.width * 3, patch: step.patch,
        columns: share.output.shape.width, first: strip.lowerBound, count: strip.count,
        out: patches, out_stride: parts.patchPitch)
      kernels.patches_u8(&gather)
      var multiply = product(
        step.matrix, patches, stride: parts.patchPitch, rows: strip.count, out: sums,
        outStride: sumsPitch, scratch: share.scratch + parts.product)
      multiply.output = LVT_OUTPUT_S16
      kernels.gemm_s8(&multiply)
      normalize(
        step.norm, strip.count, sums, stride: sumsPitch, type: .int16,
        out: share.output.position(strip.lowerBound), outStride: share.output.pitch,
        outType: share.output.type)
    }
  }
}
