// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension Workspace {
  /// Strip by strip: gather 2 × 2 positions, normalise them together, multiply.
  func run(_ step: PatchMerge, _ share: Share) {
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

  /// Writes the channels of rows 2y, 2y + 1 at column 2x, then of both at column 2x + 1.
  private func gather(
    _ position: Int, of width: Int, from map: Map, to row: UnsafeMutablePointer<Int8>
  ) {
    let bytes = map.shape.channels * map.type.byteCount
    let corner = position / width * 2 * map.shape.width + position % width * 2
    let sources = (corner, corner + map.shape.width, corner + 1, corner + map.shape.width + 1)
    row.update(from: map.position(sources.0), count: bytes)
    (row + bytes).update(from: map.position(sources.1), count: bytes)
    (row + 2 * bytes).update(from: map.position(sources.2), count: bytes)
    (row + 3 * bytes).update(from: map.position(sources.3), count: bytes)
  }
}
