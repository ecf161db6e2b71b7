// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Piece by piece: put the picture's rows in a band, multiply its patches to int16, normalise.
  func visit(_ step: PatchEmbed) {
    let picture = share.input, output = share.output
    let parts = PatchEmbedScratch(step, picture.shape, to: output.shape, strip: share.strip)
    let bytes = share.scratch(parts.band, as: Int8.self)
    let sums = share.scratch + parts.sums
    let rowBytes = picture.shape.width * picture.shape.channels
    var band = Band(parts.bandLayout, outside: nil, at: bytes)
    band.forEachPiece(of: share.range(of: output.shape.height)) { row, out in
      kernels.centre_u8(
        (picture.base + row * rowBytes).assumingMemoryBound(to: UInt8.self), out, rowBytes)
    } _: { piece in
      let positions = piece.positions
      var multiply = product(
        step.matrix, bytes, stride: 0, rows: positions.count, out: sums,
        outStride: parts.sumsPitch, scratch: share.scratch + parts.product)
      multiply.output = LVT_OUTPUT_S16
      piece.read(by: &multiply)
      kernels.gemm_s8(&multiply)
      normalize(
        step.norm, positions.count, sums, stride: parts.sumsPitch, type: .int16,
        out: output.position(positions.lowerBound), outStride: output.pitch,
        outType: output.type)
    }
  }
}
