// SPDX-License-Identifier: Apache-2.0

// The two loops that take the time. Sums are 32 bits wide and cannot overflow; they wrap in form
// only, which spares the check.

/// What is added to a sum for its shift to round.
private let half: Int32 = 1 << (ResampleAxis.precision - 1)

/// Resizes a row.
struct HorizontalPass {
  let axis: ResampleAxis

  func run(from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
    let source = source.assumingMemoryBound(to: UInt8.self)
    var out = target.assumingMemoryBound(to: UInt8.self)
    axis.weights.withUnsafeBufferPointer { weights in
      for window in axis.windows {
        var red = half, green = half, blue = half
        var pixel = source + 3 * window.first
        for i in window.weights..<window.weights + window.count {
          let weight = weights[i]
          red &+= Int32(pixel[0]) &* weight
          green &+= Int32(pixel[1]) &* weight
          blue &+= Int32(pixel[2]) &* weight
          pixel += 3
        }
        out[0] = UInt8(clamping: red >> ResampleAxis.precision)
        out[1] = UInt8(clamping: green >> ResampleAxis.precision)
        out[2] = UInt8(clamping: blue >> ResampleAxis.precision)
        out += 3
      }
    }
  }
}

/// Makes an output row of the resized rows in a ring, where source row y is in slot y % capacity.
struct VerticalPass {
  /// Bytes that are computed together.
  static let block = 16

  let ring: UnsafeMutableRawPointer
  /// Bytes from slot to slot, a multiple of ``block``.
  let pitch: Int
  let capacity: Int
  /// Bytes of the output row.
  let byteCount: Int

  func run(_ window: Window, weights: [Int32], to out: UnsafeMutableRawPointer) {
    weights.withUnsafeBufferPointer { weights in
      var x = 0
      while x + Self.block <= byteCount {
        out.storeBytes(of: mean(window, weights, at: x), toByteOffset: x, as: SIMD16<UInt8>.self)
        x += Self.block
      }
      guard x < byteCount else { return }
      let rest = mean(window, weights, at: x)
      for i in 0..<byteCount - x {
        out.storeBytes(of: rest[i], toByteOffset: x + i, as: UInt8.self)
      }
    }
  }

  @inline(__always)
  private func mean(
    _ window: Window, _ weights: UnsafeBufferPointer<Int32>, at x: Int
  ) -> SIMD16<UInt8> {
    var sums = SIMD16<Int32>(repeating: half)
    var slot = window.first % capacity
    for i in window.weights..<window.weights + window.count {
      let pixels = ring.load(fromByteOffset: slot * pitch + x, as: SIMD16<UInt8>.self)
      sums &+= SIMD16<Int32>(truncatingIfNeeded: pixels) &* weights[i]
      slot = slot + 1 == capacity ? 0 : slot + 1
    }
    sums &>>= ResampleAxis.precision
    sums.clamp(lowerBound: SIMD16(repeating: 0), upperBound: SIMD16(repeating: 255))
    return SIMD16<UInt8>(truncatingIfNeeded: sums)
  }
}
