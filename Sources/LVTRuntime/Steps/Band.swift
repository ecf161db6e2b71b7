// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

/// Rows of a grid, with what pads them, of which products take neighbourhoods where they lie.
struct Band {
  private let layout: BandLayout
  private let base: UnsafeMutablePointer<Int8>
  /// A position outside the grid; nil if there is no padding.
  private let outside: UnsafePointer<Int8>?
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
    fileprivate let layout: BandLayout

    /// Makes a product read the neighbourhoods.
    func read(by arguments: inout lvt_gemm_args) {
      arguments.a = UnsafePointer(first)
      arguments.a_stride = layout.stride * layout.channels
      arguments.segments = layout.kernel
      arguments.segment_stride = layout.pitch
      arguments.line_rows = columns
      arguments.line_stride = layout.stride * layout.pitch
    }
  }

  /// An empty band.
  ///
  /// - Parameter outside: As many bytes as a position has.
  init(
    _ layout: BandLayout, outside: UnsafePointer<Int8>?, at base: UnsafeMutablePointer<Int8>
  ) {
    self.layout = layout
    self.outside = outside
    self.base = base
    for row in 0..<layout.rows {
      let start = base + row * layout.pitch
      putOutside(start, count: layout.padding)
      putOutside(
        start + (layout.padding + layout.grid.width) * layout.channels, count: layout.padding)
    }
  }

  private func putOutside(_ start: UnsafeMutablePointer<Int8>, count: Int) {
    guard let outside else { return }
    for i in 0..<count {
      (start + i * layout.channels).update(from: outside, count: layout.channels)
    }
  }

  /// Calls `body` with one piece after the other of some rows of the output.
  ///
  /// - Parameter read: Writes a row of the grid, its positions one behind the other.
  mutating func forEachPiece(
    of rows: Range<Int>, read: (_ row: Int, _ out: UnsafeMutablePointer<Int8>) -> Void,
    _ body: (Piece) -> Void
  ) {
    let width = layout.output.width
    rows.forEachStrip(rows: layout.lines) { lines in
      hold(lines, read)
      (0..<width).forEachStrip(rows: layout.columns) { columns in
        let start = lines.lowerBound * width + columns.lowerBound
        body(
          Piece(
            positions: start..<start + lines.count * columns.count, columns: columns.count,
            first: base + columns.lowerBound * layout.stride * layout.channels, layout: layout))
      }
    }
  }

  /// Puts in the rows of the grid that these rows of the output need.
  private mutating func hold(
    _ lines: Range<Int>, _ read: (_ row: Int, _ out: UnsafeMutablePointer<Int8>) -> Void
  ) {
    let first = lines.lowerBound * layout.stride - layout.padding
    let needed = first..<first + (lines.count - 1) * layout.stride + layout.kernel
    // Rows that were there already move to the front.
    let kept = held.overlaps(needed) ? held.clamped(to: needed) : first..<first
    base.update(
      from: base + (kept.lowerBound - held.lowerBound) * layout.pitch,
      count: kept.count * layout.pitch)
    for y in kept.upperBound..<needed.upperBound {
      let row = base + (y - first) * layout.pitch + layout.padding * layout.channels
      if (0..<layout.grid.height).contains(y) {
        read(y, row)
      } else {
        putOutside(row, count: layout.grid.width)
      }
    }
    held = needed
  }
}

extension StepRun {
  /// Calls `body` with one piece after the other of some rows of what a convolution makes of an int8 map.
  ///
  /// - Parameters:
  ///   - map: The address of its first position, the bytes between positions, and what zero is in it.
  ///   - outside: Where in the thread's scratch a position outside the map is put.
  ///   - band: Where in it the band is.
  func forEachPiece(
    of rows: Range<Int>, _ layout: BandLayout,
    of map: (base: UnsafeMutablePointer<Int8>, pitch: Int, zeroPoint: Int32), outside: Int,
    band: Int, _ body: (Band.Piece) -> Void
  ) {
    let channels = layout.channels, width = layout.grid.width, kernels = kernels
    let outside = share.scratch(outside, as: Int8.self)
    outside.update(repeating: Int8(map.zeroPoint), count: channels)
    var band = Band(
      layout, outside: UnsafePointer(outside), at: share.scratch(band, as: Int8.self))
    band.forEachPiece(of: rows) { row, out in
      var copy = lvt_pixels_args(
        in: UnsafeRawPointer(map.base + row * width * map.pitch), out: out, in_stride: map.pitch,
        out_stride: channels, count: width, channels: channels)
      kernels.pixels_s8(&copy)
    } _: { piece in
      body(piece)
    }
  }
}
