// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Strip by strip: gather 2 × 2 positions, normalise them together, multiply.
  func visit(_ step: PatchMerge) {
    let positions = share.output.shape.positions
    let parts = PatchMergeScratch(
      step, input: share.input.type, positions: positions, strip: share.strip)
    let gathered = share.scratch(parts.gathered, as: Int8.self)
    let normalized = share.scratch(parts.normalized, as: Int8.self)
    share.forEachStrip(of: positions, rows: parts.stripRows) { strip in
      gather(strip, to: gathered, pitch: parts.gatheredPitch)
      normalize(
        step.norm, strip.count, gathered, stride: parts.gatheredPitch, type: share.input.type,
        out: normalized, outStride: parts.normalizedPitch)
      var multiply = product(
        step.matrix, normalized, stride: parts.normalizedPitch, to: share.output, strip,
        scratch: share.scratch + parts.product)
      kernels.gemm_s8(&multiply)
    }
  }

  /// Writes four positions of the input for each of `positions`, row by row of the output.
  private func gather(_ positions: Range<Int>, to out: UnsafeMutablePointer<Int8>, pitch: Int) {
    let width = share.output.shape.width
    var first = positions.lowerBound
    while first < positions.upperBound {
      let y = first / width, x = first % width
      let count = min(width - x, positions.upperBound - first)
      gather(
        row: y, columns: x..<x + count, to: out + (first - positions.lowerBound) * pitch,
        pitch: pitch)
      first += count
    }
  }

  /// Writes the channels of rows 2y, 2y + 1 at column 2x, then of both at column 2x + 1; zeros for those
  /// behind an odd map's end.
  private func gather(
    row y: Int, columns: Range<Int>, to out: UnsafeMutablePointer<Int8>, pitch: Int
  ) {
    let map = share.input
    let bytes = map.shape.channels * map.type.byteCount
    for part in 0..<4 {
      let top = 2 * y + part % 2, left = 2 * columns.lowerBound + part / 2
      let isInside = top < map.shape.height && left < map.shape.width
      let inside = isInside ? min(columns.count, (map.shape.width - left + 1) / 2) : 0
      if inside > 0 {
        var copy = lvt_pixels_args(
          in: map.position(top * map.shape.width + left), out: out + part * bytes,
          in_stride: 2 * map.pitch, out_stride: pitch, count: inside, channels: bytes)
        kernels.pixels_s8(&copy)
      }
      for i in inside..<columns.count {
        // An int16 map's zero point is 0, so its bytes are alike too.
        (out + i * pitch + part * bytes).update(repeating: Int8(map.zeroPoint), count: bytes)
      }
    }
  }
}
