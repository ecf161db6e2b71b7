// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

/// Rows of a grid, with what is outside on both sides, of which products take neighbourhoods where they lie.
struct Band {
  private let layout: BandLayout
  private let base: UnsafeMutablePointer<Int8>
  /// A tap outside the grid.
  private let outside: UnsafePointer<Int8>
  private let kernel, stride, channels: Int
  private let grid: Extent
  /// Columns of the output.
  private let width: Int
  /// The rows of the grid that are in the band, those outside among them.
  private var held = 0..<0

  /// A part of the output: some whole rows, or a part of one.
  struct Piece {
    /// The positions, which follow each other.
    let positions: Range<Int>
    /// Positions of a row.
    fileprivate let columns: Int
    /// The first neighbourhood.
    fileprivate let first: UnsafeMutablePointer<Int8>
    fileprivate let kernel, stride, channels, pitch: Int

    /// Makes a product read the neighbourhoods.
    func read(by arguments: inout lvt_gemm_args) {
      arguments.a = UnsafePointer(first)
      arguments.a_stride = stride * channels
      arguments.segments = kernel
      arguments.segment_stride = pitch
      arguments.line_rows = columns
      arguments.line_stride = stride * pitch
    }
  }

  /// An empty band.
  ///
  /// - Parameters:
  ///   - width: Columns of the output.
  ///   - outside: `channels` bytes.
  init(
    _ layout: BandLayout, kernel: Int, stride: Int, channels: Int, grid: Extent, width: Int,
    outside: UnsafePointer<Int8>, at base: UnsafeMutablePointer<Int8>
  ) {
    self.layout = layout
    (self.kernel, self.stride, self.channels) = (kernel, stride, channels)
    (self.grid, self.width) = (grid, width)
    (self.outside, self.base) = (outside, base)
    let pad = (kernel - 1) / 2
    for row in 0..<layout.rows {
      let start = base + row * layout.pitch
      putOutside(start, count: pad)
      putOutside(start + (pad + grid.width) * channels, count: pad)
    }
  }

  private func putOutside(_ start: UnsafeMutablePointer<Int8>, count: Int) {
    for i in 0..<count { (start + i * channels).update(from: outside, count: channels) }
  }

  /// Calls `body` with one piece after the other of some rows of the output.
  ///
  /// - Parameter read: Writes a row of the grid, of `channels` bytes a position.
  mutating func forEachPiece(
    of rows: Range<Int>, read: (_ row: Int, _ out: UnsafeMutablePointer<Int8>) -> Void,
    _ body: (Piece) -> Void
  ) {
    rows.forEachStrip(rows: layout.lines) { lines in
      hold(lines, read)
      (0..<width).forEachStrip(rows: layout.columns) { columns in
        let start = lines.lowerBound * width + columns.lowerBound
        body(
          Piece(
            positions: start..<start + lines.count * columns.count, columns: columns.count,
            first: base + columns.lowerBound * stride * channels, kernel: kernel, stride: stride,
            channels: channels, pitch: layout.pitch))
      }
    }
  }

  /// Puts in the rows of the grid that these rows of the output need.
  private mutating func hold(
    _ lines: Range<Int>, _ read: (_ row: Int, _ out: UnsafeMutablePointer<Int8>) -> Void
  ) {
    let pad = (kernel - 1) / 2
    let needed = lines.lowerBound * stride - pad..<(lines.upperBound - 1) * stride + pad + 1
    // Rows that were there already move to the front.
    let kept =
      held.overlaps(needed) ? held.clamped(to: needed) : needed.lowerBound..<needed.lowerBound
    base.update(
      from: base + (kept.lowerBound - held.lowerBound) * layout.pitch,
      count: kept.count * layout.pitch)
    for y in kept.upperBound..<needed.upperBound {
      let row = base + (y - needed.lowerBound) * layout.pitch + pad * channels
      if (0..<grid.height).contains(y) { read(y, row) } else { putOutside(row, count: grid.width) }
    }
    held = needed
  }
}
