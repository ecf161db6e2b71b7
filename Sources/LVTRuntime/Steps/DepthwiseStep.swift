// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Convolves this thread's rows, one channel block after the other.
  func visit(_ step: Depthwise) {
    let rows = DepthwiseRows(kernel: step.kernel, share)
    if rows.needCopies {
      rows.copyNeighbours()
      barrier()
    }
    guard let panels = constant(step.filter.offset, as: UInt8.self) else { return }
    rows.convolve(
      panels: panels, panelBytes: step.filter.panelBytes,
      outputZeroPoint: step.filter.outputZeroPoint, lowerBound: step.filter.lowerBound,
      residualMultiplier: step.residualMultiplier ?? 0, kernels)
  }
}

/// One thread's rows of a depth-wise convolution; its scratch is the start of the thread's.
///
/// In place, a thread would find the rows next to its own overwritten by its neighbours: all copy
/// those rows first, then meet, then work.
struct DepthwiseRows {
  private let kernel: Int
  private let share: Share
  /// What the thread computes.
  let rows: Range<Int>
  private let parts: DepthwiseScratch

  init(kernel: Int, _ share: Share) {
    self.init(kernel: kernel, share, DepthwiseScratch(kernel: kernel, shape: share.input.shape))
  }

  init(kernel: Int, _ share: Share, _ parts: DepthwiseScratch) {
    self.kernel = kernel
    self.share = share
    self.parts = parts
    rows = share.range(of: share.input.shape.height)
  }

  /// Whether all threads must copy, and meet, before any convolves.
  var needCopies: Bool { share.threads > 1 && share.input.base == share.output.base }

  private var above: UnsafeMutablePointer<Int8> { share.scratch(parts.above, as: Int8.self) }
  private var below: UnsafeMutablePointer<Int8> { share.scratch(parts.below, as: Int8.self) }

  /// Copies the rows that other threads overwrite.
  func copyNeighbours() {
    let halo = (kernel - 1) / 2
    copy(rows.lowerBound - halo..<rows.lowerBound, to: above)
    copy(rows.upperBound..<rows.upperBound + halo, to: below)
  }

  /// Copies those of `rows` that are inside the map, each to its place in the range.
  private func copy(_ rows: Range<Int>, to copy: UnsafeMutablePointer<Int8>) {
    let map = share.input, rowBytes = map.shape.width * map.pitch
    for y in rows.clamped(to: 0..<map.shape.height) {
      (copy + (y - rows.lowerBound) * rowBytes).update(
        from: map.position(y * map.shape.width), count: rowBytes)
    }
  }

  /// A row as it was before the step: in the map, or in the copy if another thread overwrites it; nil
  /// outside the map.
  func source(row y: Int) -> UnsafePointer<Int8>? {
    let map = share.input, halo = (kernel - 1) / 2
    guard (0..<map.shape.height).contains(y) else { return nil }
    let rowBytes = map.shape.width * map.pitch
    if needCopies && y < rows.lowerBound {
      return UnsafePointer(above + (y - (rows.lowerBound - halo)) * rowBytes)
    }
    if needCopies && y >= rows.upperBound {
      return UnsafePointer(below + (y - rows.upperBound) * rowBytes)
    }
    return UnsafePointer(map.position(y * map.shape.width))
  }

  /// Convolves the rows with a panel for each block of channels, and adds them where the multiplier is
  /// not 0.
  func convolve(
    panels: UnsafeRawPointer, panelBytes: Int, outputZeroPoint: Int, lowerBound: Int,
    residualMultiplier: Float = 0, _ kernels: lvt_kernels
  ) {
    let shape = share.input.shape
    var arguments = lvt_dwconv_args(
      in: nil, above: nil, below: nil, out: nil, row_stride: shape.width * shape.paddedChannels,
      pixel_stride: shape.paddedChannels, height: shape.height, width: shape.width,
      y_begin: rows.lowerBound, y_end: rows.upperBound, kernel: kernel, panel: nil,
      in_zero_point: share.input.zeroPoint, out_zero_point: Int32(outputZeroPoint),
      out_lo: Int32(lowerBound), residual_multiplier: residualMultiplier,
      scratch: share.scratch + parts.ring)
    for block in 0..<Shape.blocks(shape.channels) {
      let channel = block * Shape.block
      arguments.in = UnsafePointer(share.input.position(0) + channel)
      arguments.out = share.output.position(0) + channel
      arguments.above = needCopies ? UnsafePointer(above + channel) : nil
      arguments.below = needCopies ? UnsafePointer(below + channel) : nil
      arguments.panel = (panels + block * panelBytes).assumingMemoryBound(to: lvt_panel.self)
      kernels.dwconv_s8(&arguments)
    }
  }
}
