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
      for (row, position) in strip.enumerated() {
        gather(
          position, of: share.output.shape.width, from: share.input,
          to: gathered + row * parts.gatheredPitch)
      }
      normalize(
        step.norm, strip.count, gathered, stride: parts.gatheredPitch, type: share.input.type,
        out: normalized, outStride: parts.normalizedPitch)
      var multiply = product(
        step.matrix, normalized, stride: parts.normalizedPitch, to: share.output, strip,
        scratch: share.scratch + parts.product)
      kernels.gemm_s8(&multiply)
    }
  }

  /// Writes the channels of rows 2y, 2y + 1 at column 2x, then of both at column 2x + 1; zeros for those
  /// behind an odd map's end.
  private func gather(
    _ position: Int, of width: Int, from map: Map, to row: UnsafeMutablePointer<Int8>
  ) {
    let bytes = map.shape.channels * map.type.byteCount
    let top = position / width * 2, left = position % width * 2
    for part in 0..<4 {
      let y = top + part % 2, x = left + part / 2
      if y < map.shape.height && x < map.shape.width {
        (row + part * bytes).update(from: map.position(y * map.shape.width + x), count: bytes)
      } else {
        // An int16 map's zero point is 0, so its bytes are alike too.
        (row + part * bytes).update(repeating: Int8(map.zeroPoint), count: bytes)
      }
    }
  }
}
