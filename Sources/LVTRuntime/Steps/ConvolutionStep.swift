// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Puts the sources' rows side by side in a band, multiplies neighbourhoods piece by piece, and looks up the
  /// activation or multiplies again.
  func visit(_ step: Convolution) {
    let output = share.output, grid = grid(of: step)
    var resampledBytes = 0, channels = 0
    for (i, source) in step.sources.enumerated() {
      let map = share.inputs[i]
      channels += step.channels(of: map.shape)
      guard source != .none else { continue }
      resampledBytes += ResampleScratch(map.shape, pitch: map.pitch, grid: grid.width).byteCount
    }
    let parts = ConvolutionScratch(
      step, grid: grid, channels: channels, resampledBytes: resampledBytes,
      isInPlace: share.input.base == output.base, output: output.shape, strip: share.strip)
    let outside = share.scratch(parts.outside, as: Int8.self)
    fillOutside(step, outside)
    var band = Band(
      parts.bandLayout, outside: UnsafePointer(outside),
      at: share.scratch(parts.band, as: Int8.self))
    let rows = share.range(of: output.shape.height)
    let sources = SourceRows(step, parts, grid: grid, channels: channels, share, rows, kernels)
    sources.prepare()
    if sources.needsCopies {
      sources.copyNeighbours()
      barrier()
    }
    band.forEachPiece(of: rows) {
      sources.read(row: $0, to: $1)
    } _: { piece in
      convolve(step, parts, piece)
    }
  }

  private func grid(of step: Convolution) -> Extent {
    if let extent = step.extent { return extent }
    return Extent(of: share.inputs[step.sources.firstIndex(of: .none) ?? 0].shape)
  }

  /// A tap outside the grid: the zero points of the sources, or what the step says of a picture.
  private func fillOutside(_ step: Convolution, _ outside: UnsafeMutablePointer<Int8>) {
    if let colours = step.outside {
      for c in 0..<Convolution.pictureChannels { outside[c] = colours[c] }
      return
    }
    var next = outside
    for i in 0..<step.sources.count {
      next.update(
        repeating: Int8(share.inputs[i].zeroPoint), count: share.inputs[i].shape.channels)
      next += share.inputs[i].shape.channels
    }
  }

  private func convolve(_ step: Convolution, _ parts: ConvolutionScratch, _ piece: Band.Piece) {
    let scratch = share.scratch + parts.product
    let output = share.output, positions = piece.positions
    let bytes = share.scratch(parts.band, as: Int8.self)
    guard let project = step.project else {
      var multiply = product(step.matrix, bytes, stride: 0, to: output, positions, scratch: scratch)
      piece.read(by: &multiply)
      kernels.gemm_s8(&multiply)
      if let table = step.tableOffset {
        let result = output.position(positions.lowerBound)
        kernels.table_s8(
          result, result, positions.count * output.pitch, constant(table, as: Int8.self))
      }
      return
    }
    let hidden = share.scratch(parts.hidden, as: Int8.self)
    var multiply = product(
      step.matrix, bytes, stride: 0, rows: positions.count, out: hidden,
      outStride: parts.hiddenPitch, scratch: scratch)
    piece.read(by: &multiply)
    kernels.gemm_s8(&multiply)
    if let table = step.tableOffset {
      kernels.table_s8(
        hidden, hidden, positions.count * parts.hiddenPitch, constant(table, as: Int8.self))
    }
    var again = product(
      project, hidden, stride: parts.hiddenPitch, to: output, positions, scratch: scratch)
    kernels.gemm_s8(&again)
  }
}

/// Puts the sources of a convolution side by side, row by row of the grid.
private struct SourceRows {
  private let step: Convolution
  private let parts: ConvolutionScratch
  private let grid: Extent
  /// Of all sources.
  private let channels: Int
  private let share: Share
  /// The thread's rows of the output.
  private let rows: Range<Int>
  private let halo: Int
  private let kernels: lvt_kernels

  init(
    _ step: Convolution, _ parts: ConvolutionScratch, grid: Extent, channels: Int, _ share: Share,
    _ rows: Range<Int>, _ kernels: lvt_kernels
  ) {
    self.step = step
    self.channels = channels
    self.parts = parts
    self.grid = grid
    self.share = share
    self.rows = rows
    self.kernels = kernels
    halo = (step.kernel - 1) / 2
  }

  /// Whether all threads must copy the rows that others overwrite, and meet, before any convolves.
  var needsCopies: Bool { share.threads > 1 && share.input.base == share.output.base }

  /// Copies the rows that other threads overwrite.
  func copyNeighbours() {
    for y in (rows.lowerBound - halo..<rows.lowerBound).clamped(to: 0..<grid.height) {
      put(share.input.position(y * grid.width), share.input, at: above(y))
    }
    for y in (rows.upperBound..<rows.upperBound + halo).clamped(to: 0..<grid.height) {
      put(share.input.position(y * grid.width), share.input, at: below(y))
    }
  }

  private func above(_ y: Int) -> UnsafeMutablePointer<Int8> {
    share.scratch(
      parts.above + (y - (rows.lowerBound - halo)) * parts.bandLayout.pitch, as: Int8.self)
  }

  private func below(_ y: Int) -> UnsafeMutablePointer<Int8> {
    share.scratch(parts.below + (y - rows.upperBound) * parts.bandLayout.pitch, as: Int8.self)
  }

  /// Writes a row of the grid.
  func read(row y: Int, to out: UnsafeMutablePointer<Int8>) {
    if needsCopies && !rows.contains(y) {
      out.update(from: y < rows.lowerBound ? above(y) : below(y), count: grid.width * channels)
      return
    }
    if step.outside != nil {
      let bytes = share.input.shape.channels
      var copy = lvt_pixels_args(
        in: UnsafeRawPointer(share.input.base + y * grid.width * bytes), out: out, in_stride: bytes,
        out_stride: channels, count: grid.width, channels: channels)
      kernels.pixels_u8(&copy)
      return
    }
    var first = 0, resampling = share.scratch + parts.resampling
    for (i, source) in step.sources.enumerated() {
      let map = share.inputs[i]
      if source == .none {
        put(map.position(y * grid.width), map, at: out + first)
      } else {
        let reader = reader(of: i, source, &resampling)
        reader.read(row: y, to: reader.row, kernels)
        put(reader.row, map, at: out + first)
      }
      first += map.shape.channels
    }
  }

  /// Finds out where each column of the grid lies in the sources that are upsampled.
  func prepare() {
    var resampling = share.scratch + parts.resampling
    for (i, source) in step.sources.enumerated() where source != .none {
      reader(of: i, source, &resampling).prepare()
    }
  }

  /// The reader of an input, whose scratch follows that of those before it.
  private func reader(
    of input: Int, _ resampling: Resampling, _ scratch: inout UnsafeMutableRawPointer
  ) -> GridReader {
    let map = share.inputs[input]
    defer { scratch += ResampleScratch(map.shape, pitch: map.pitch, grid: grid.width).byteCount }
    return GridReader(map, grid: grid, resampling, scratch: scratch)
  }

  /// Copies the channels of a row's positions to where they are among those of all sources.
  private func put(
    _ row: UnsafeMutablePointer<Int8>, _ map: Map, at out: UnsafeMutablePointer<Int8>
  ) {
    var copy = lvt_pixels_args(
      in: UnsafeRawPointer(row), out: out, in_stride: map.pitch, out_stride: channels,
      count: grid.width, channels: map.shape.channels)
    kernels.pixels_s8(&copy)
  }
}
