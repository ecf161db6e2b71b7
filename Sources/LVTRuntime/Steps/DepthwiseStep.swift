// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension Workspace {
  /// Convolves this thread's rows, one channel block after the other.
  ///
  /// In place, a thread would find the rows next to its own overwritten by its neighbours: all copy
  /// those rows first, then meet, then work.
  func run(_ step: Depthwise, _ share: Share, barrier: () -> Void) {
    let shape = share.input.shape
    let rowBytes = shape.width * shape.pitch
    let rows = share.range(of: shape.height)
    let parts = DepthwiseScratch(step, shape: shape)
    let above = share.scratch(parts.above, as: Int8.self)
    let below = share.scratch(parts.below, as: Int8.self)
    let copies = threads > 1 && share.input.base == share.output.base
    if copies {
      let halo = (step.kernel - 1) / 2
      copyRows(rows.lowerBound - halo..<rows.lowerBound, of: share.input, to: above)
      copyRows(rows.upperBound..<rows.upperBound + halo, of: share.input, to: below)
      barrier()
    }
    var arguments = lvt_dwconv_args(
      in: nil, above: nil, below: nil, out: nil, row_stride: rowBytes, pixel_stride: shape.pitch,
      height: shape.height, width: shape.width, y_begin: rows.lowerBound, y_end: rows.upperBound,
      kernel: step.kernel, panel: nil, in_zero_point: share.input.zeroPoint,
      out_zero_point: Int32(step.filter.outputZeroPoint), out_lo: Int32(step.filter.lowerBound),
      out_hi: 127, scratch: share.scratch + parts.ring)
    for block in 0..<step.filter.panelCount {
      let channel = block * Shape.block
      arguments.in = UnsafePointer(share.input.position(0) + channel)
      arguments.out = share.output.position(0) + channel
      arguments.above = copies ? UnsafePointer(above + channel) : nil
      arguments.below = copies ? UnsafePointer(below + channel) : nil
      arguments.panel = constant(
        step.filter.offset + block * step.filter.panelBytes, as: lvt_panel.self)
      kernels.dwconv_s8(&arguments)
    }
  }

  /// Copies those of `rows` that are inside the map, each to its place in the range.
  private func copyRows(_ rows: Range<Int>, of map: Map, to copy: UnsafeMutablePointer<Int8>) {
    let rowBytes = map.shape.width * map.pitch
    for y in rows.clamped(to: 0..<map.shape.height) {
      (copy + (y - rows.lowerBound) * rowBytes).update(
        from: map.position(y * map.shape.width), count: rowBytes)
    }
  }
}
