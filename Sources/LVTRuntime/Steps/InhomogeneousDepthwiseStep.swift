// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Strip by strip of this thread's rows: computes the taps of the strip's positions from their
  /// channels, which are still in place, then convolves with them.
  func visit(_ step: InhomogeneousDepthwise) {
    let width = share.input.shape.width
    let parts = InhomogeneousDepthwiseScratch(
      step, shape: share.input.shape, strip: share.strip)
    let rows = DepthwiseRows(kernel: step.kernel, share, parts.convolution)
    if rows.needCopies {
      rows.copyNeighbours()
      barrier()
    }
    var ring = PairedRows(step, share, parts, rows, kernels)
    let own = rows.rows.lowerBound * width..<rows.rows.upperBound * width
    own.forEachStrip(rows: parts.stripRows) { strip in
      computeTaps(step, share, parts, strip)
      var start = strip.lowerBound
      while start < strip.upperBound {
        let (y, x) = (start / width, start % width)
        let count = min(width - x, strip.upperBound - start)
        ring.advance(to: y)
        convolve(
          step, share, parts, pixels: start..<start + count, window: ring.window(at: x),
          taps: share.scratch(parts.taps, as: Int16.self)
            + (start - strip.lowerBound) * parts.tapElements)
        start += count
      }
    }
  }

  /// Product → ReLU → product, for the positions of a strip.
  private func computeTaps(
    _ step: InhomogeneousDepthwise, _ share: Share, _ parts: InhomogeneousDepthwiseScratch,
    _ strip: Range<Int>
  ) {
    let hidden = share.scratch(parts.hidden, as: Int8.self)
    let hiddenPitch = step.squeeze.panelCount * Shape.block
    var squeeze = product(
      step.squeeze, share.input.position(strip.lowerBound), stride: share.input.pitch,
      rows: strip.count, out: hidden, outStride: hiddenPitch, scratch: share.scratch + parts.product
    )
    kernels.gemm_s8(&squeeze)
    var expand = product(
      step.expand, hidden, stride: hiddenPitch, rows: strip.count,
      out: share.scratch + parts.taps, outStride: parts.tapElements * 2,
      scratch: share.scratch + parts.product)
    expand.output = LVT_OUTPUT_S16
    kernels.gemm_s8(&expand)
  }

  /// Neighbouring pixels of one row.
  private func convolve(
    _ step: InhomogeneousDepthwise, _ share: Share, _ parts: InhomogeneousDepthwiseScratch,
    pixels: Range<Int>, window: UnsafePointer<UnsafePointer<Int16>?>, taps: UnsafePointer<Int16>
  ) {
    let map = share.output
    var arguments = lvt_posconv_args(
      rows: window, taps: taps, kernel: step.kernel, channels: map.pitch, groups: step.groups,
      group_channels: map.shape.channels / step.groups, count: pixels.count,
      multiplier: constant(step.multiplierOffset, as: Float.self),
      bias: constant(step.biasOffset, as: Float.self), out_zero_point: map.zeroPoint,
      out_lo: map.zeroPoint,  // ReLU
      out: map.position(pixels.lowerBound), out_stride: map.pitch)
    kernels.posconv_s16(&arguments)
  }
}

/// A ring of the K rows that an output row needs, as pairs of pixels, in a thread's scratch.
private struct PairedRows {
  private let kernel: Int
  private let rows: DepthwiseRows
  private let kernels: lvt_kernels
  private let ring: UnsafeMutablePointer<Int16>
  private let pitch: Int
  private let pointers: UnsafeMutablePointer<UnsafePointer<Int16>?>
  private let map: Map
  /// The first row that is not in the ring.
  private var next: Int

  init(
    _ step: InhomogeneousDepthwise, _ share: Share, _ parts: InhomogeneousDepthwiseScratch,
    _ rows: DepthwiseRows, _ kernels: lvt_kernels
  ) {
    kernel = step.kernel
    self.rows = rows
    self.kernels = kernels
    ring = share.scratch(parts.convolution.ring, as: Int16.self)
    pitch = parts.ringElements
    pointers = share.scratch(parts.rows, as: UnsafePointer<Int16>?.self)
    map = share.input
    next = rows.rows.lowerBound - (kernel - 1) / 2
  }

  /// Where a row is, if it is in the ring; rows from −K on have a place.
  private func place(of row: Int) -> UnsafeMutablePointer<Int16> {
    ring + (row + kernel) % kernel * pitch
  }

  /// Puts the rows up to the last one that output row `y` needs into the ring, over the oldest.
  mutating func advance(to y: Int) {
    while next <= y + (kernel - 1) / 2 {
      var arguments = lvt_pair_pixels_args(
        in: rows.source(row: next), pixel_stride: map.pitch, width: map.shape.width,
        channels: map.pitch, kernel: kernel, zero_point: map.zeroPoint, out: place(of: next))
      kernels.pair_pixels_s8(&arguments)
      next += 1
    }
  }

  /// The addresses of the window's rows for output pixel `x` of the row that was advanced to.
  func window(at x: Int) -> UnsafePointer<UnsafePointer<Int16>?> {
    for i in 0..<kernel {
      pointers[i] = UnsafePointer(place(of: next - kernel + i) + x * map.pitch * 2)
    }
    return UnsafePointer(pointers)
  }
}
