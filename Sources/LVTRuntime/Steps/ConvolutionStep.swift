// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Gathers neighbourhoods strip by strip, multiplies, and looks up the activation or multiplies again.
  ///
  /// Where there are several sources, or one that is upsampled or overwritten, a few rows of the grid are put
  /// together first.
  func visit(_ step: Convolution) {
    var resampledBytes = 0, channels = 0
    for (i, source) in step.sources.enumerated() {
      channels += share.inputs[i].shape.channels
      guard source != .none else { continue }
      let parts = ResampleScratch(
        share.inputs[i].shape, pitch: share.inputs[i].pitch, grid: grid(of: step).width)
      resampledBytes += parts.byteCount
    }
    let parts = ConvolutionScratch(
      step, grid: grid(of: step), channels: channels, resampledBytes: resampledBytes,
      isInPlace: share.input.base == share.output.base, output: share.output.shape,
      strip: share.strip)
    let outside = share.scratch(parts.outside, as: Int8.self)
    fillOutside(step, outside)
    if parts.isBanded {
      convolveBands(step, parts, channels: channels)
    } else {
      convolveMap(step, parts)
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

  /// From the map or picture as it lies.
  private func convolveMap(_ step: Convolution, _ parts: ConvolutionScratch) {
    let input = share.input, isPicture = step.outside != nil
    let pixelBytes = isPicture ? input.shape.channels : input.pitch
    var gather = lvt_taps_args(
      in: UnsafeRawPointer(input.base), row_stride: input.shape.width * pixelBytes,
      pixel_stride: pixelBytes, height: input.shape.height, width: input.shape.width,
      channels: isPicture ? Convolution.pictureChannels : input.shape.channels,
      kernel: step.kernel, step: step.stride, columns: share.output.shape.width, first: 0, count: 0,
      outside: share.scratch(parts.outside, as: Int8.self),
      out: share.scratch(parts.taps, as: Int8.self), out_stride: parts.tapsPitch)
    share.forEachStrip(of: share.output.shape.positions, rows: parts.stripRows) { strip in
      convolve(step, parts, &gather, strip)
    }
  }

  /// From bands of the grid's rows.
  private func convolveBands(_ step: Convolution, _ parts: ConvolutionScratch, channels: Int) {
    let grid = grid(of: step), columns = share.output.shape.width
    let pad = (step.kernel - 1) / 2
    let rows = share.range(of: share.output.shape.height)
    let band = Band(step, parts, grid: grid, channels: channels, share, rows, kernels)
    band.prepare()
    if band.needsCopies {
      band.copyNeighbours()
      barrier()
    }
    let bytes = share.scratch(parts.band, as: Int8.self)
    var gather = lvt_taps_args(
      in: nil, row_stride: parts.gridPitch, pixel_stride: channels, height: grid.height,
      width: grid.width, channels: channels, kernel: step.kernel, step: step.stride,
      columns: columns, first: 0, count: 0, outside: share.scratch(parts.outside, as: Int8.self),
      out: share.scratch(parts.taps, as: Int8.self), out_stride: parts.tapsPitch)
    var held = 0..<0
    rows.forEachStrip(rows: parts.bandRows) { strip in
      let needed =
        (strip.lowerBound * step.stride - pad..<(strip.upperBound - 1) * step.stride + pad + 1)
        .clamped(to: 0..<grid.height)
      // Rows that the last strip had already move to the front.
      let kept = max(needed.lowerBound, held.lowerBound)..<max(needed.lowerBound, held.upperBound)
      if !kept.isEmpty {
        bytes.update(
          from: bytes + (kept.lowerBound - held.lowerBound) * parts.gridPitch,
          count: kept.count * parts.gridPitch)
      }
      for y in kept.upperBound..<needed.upperBound {
        band.read(row: y, to: bytes + (y - needed.lowerBound) * parts.gridPitch)
      }
      held = needed
      // Row 0 of the grid would lie before the band; no tap reads outside what is needed.
      gather.in = UnsafeRawPointer(bytes) - needed.lowerBound * parts.gridPitch
      (strip.lowerBound * columns..<strip.upperBound * columns).forEachStrip(
        rows: parts.stripRows
      ) { positions in
        convolve(step, parts, &gather, positions)
      }
    }
  }

  /// One strip of positions.
  private func convolve(
    _ step: Convolution, _ parts: ConvolutionScratch, _ gather: inout lvt_taps_args,
    _ strip: Range<Int>
  ) {
    gather.first = strip.lowerBound
    gather.count = strip.count
    if step.outside == nil { kernels.taps_s8(&gather) } else { kernels.taps_u8(&gather) }
    let taps = share.scratch(parts.taps, as: Int8.self)
    let scratch = share.scratch + parts.product
    let output = share.output
    guard let project = step.project else {
      var multiply = product(
        step.matrix, taps, stride: parts.tapsPitch, to: output, strip, scratch: scratch)
      kernels.gemm_s8(&multiply)
      if let table = step.tableOffset {
        let result = output.position(strip.lowerBound)
        kernels.table_s8(
          result, result, strip.count * output.pitch, constant(table, as: Int8.self))
      }
      return
    }
    let hidden = share.scratch(parts.hidden, as: Int8.self)
    var multiply = product(
      step.matrix, taps, stride: parts.tapsPitch, rows: strip.count, out: hidden,
      outStride: parts.hiddenPitch, scratch: scratch)
    kernels.gemm_s8(&multiply)
    if let table = step.tableOffset {
      kernels.table_s8(
        hidden, hidden, strip.count * parts.hiddenPitch, constant(table, as: Int8.self))
    }
    var again = product(
      project, hidden, stride: parts.hiddenPitch, to: output, strip, scratch: scratch)
    kernels.gemm_s8(&again)
  }
}

/// Puts the sources of a convolution side by side, row by row of the grid.
private struct Band {
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
      parts.above + (y - (rows.lowerBound - halo)) * parts.gridPitch, as: Int8.self)
  }

  private func below(_ y: Int) -> UnsafeMutablePointer<Int8> {
    share.scratch(parts.below + (y - rows.upperBound) * parts.gridPitch, as: Int8.self)
  }

  /// Writes a row of the grid.
  func read(row y: Int, to out: UnsafeMutablePointer<Int8>) {
    if needsCopies && !rows.contains(y) {
      out.update(from: y < rows.lowerBound ? above(y) : below(y), count: parts.gridPitch)
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
    // The taps of a kernel of one.
    var copy = lvt_taps_args(
      in: UnsafeRawPointer(row), row_stride: grid.width * map.pitch, pixel_stride: map.pitch,
      height: 1, width: grid.width, channels: map.shape.channels, kernel: 1, step: 1,
      columns: grid.width, first: 0, count: grid.width, outside: nil, out: out,
      out_stride: channels)
    kernels.taps_s8(&copy)
  }
}
