// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// Some pixels of a row, each with taps of its own.
struct PosconvCase: KernelCase {
  let kernel, groups, groupChannels, count: Int
  private let channels, outStride: Int
  private let zeroPoint: Int
  private let bounds: ClosedRange<Int>
  /// By filter row, position and channel.
  private let values: [[Int16]]
  /// By pixel, tap in raster order and group.
  private let taps: [Int16]
  private let multiplier, bias: [Float]
  let operands: [Operand]

  private enum Slot { static let out = 0, taps = 1, multiplier = 2, bias = 3, rows = 4 }

  init(
    kernel: Int, groups: Int, groupChannels: Int, count: Int, isLayer: Bool = false,
    _ draw: inout Draw
  ) {
    self.kernel = kernel
    self.groups = groups
    self.groupChannels = groupChannels
    self.count = count
    let block = Int(LVT_BLOCK)
    let channels = (groups * groupChannels).rounded(upTo: block)
    self.channels = channels
    outStride = draw.stride(channels, isTight: isLayer)
    zeroPoint = draw.zeroPoint()
    let low = draw.int(-128...127)
    bounds = draw.choose(-128...127, zeroPoint...127, low...127)
    let isExtreme = !isLayer && draw.chance(oneIn: 4)
    let positions = count + kernel - 1
    values = (0..<kernel).map { _ in
      let sign = draw.choose(-1, 1)
      return (0..<positions * channels).map { _ in
        Int16(isExtreme ? 255 * sign : draw.int(-255...255))
      }
    }
    let tap = draw.choose(Int16.min, .max)
    taps = (0..<count * kernel * kernel * groups).map { _ in
      isExtreme ? tap : Int16(draw.int(-32768...32767))
    }
    let typical = 1 / (32768 * 20 * Float(kernel))
    multiplier = (0..<channels).map { _ in
      draw.choose(0, 0.5, -0.5, typical * draw.unit(), -typical * draw.unit(), typical)
    }
    bias = (0..<channels).map { _ in
      draw.choose(0, 0.5, -1.5, 0x1p24, -0x1p24, 200 * draw.unit() - 100)
    }

    // As the header has them, with chance in the places that have no meaning.
    let pitch = lvt_posconv_tap_count(kernel, groups)
    var packed = (0..<count * pitch).map { _ in Int16(draw.int(-32768...32767)) }
    for pixel in 0..<count {
      for ky in 0..<kernel {
        for kx in 0..<kernel {
          let t = kx < kernel - 1 ? ky * (kernel - 1) + kx : kernel * (kernel - 1) + ky
          for g in 0..<groups {
            packed[pixel * pitch + (t / 2 * groups + g) * 2 + t % 2] =
              taps[((pixel * kernel + ky) * kernel + kx) * groups + g]
          }
        }
      }
    }
    var operands = [
      Operand(
        .output,
        [UInt8](repeating: Operand.canary, count: max(0, (count - 1) * outStride + channels))),
      Operand(.input, Self.bytes(packed), alignment: 2),
      Operand(.input, Self.bytes(multiplier), alignment: 4),
      Operand(.input, Self.bytes(bias), alignment: 4),
    ]
    for row in values {
      var pairs = row.flatMap { [$0, Int16(draw.int(-255...255))] }
      for i in 0..<max(0, positions - 1) * channels { pairs[2 * i + 1] = row[i + channels] }
      operands.append(Operand(.input, Self.bytes(pairs), alignment: 32))
    }
    self.operands = operands
  }

  private static func bytes<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    let rows: [UnsafePointer<Int16>?] = (0..<kernel).map {
      UnsafePointer(memory[Slot.rows + $0].assumingMemoryBound(to: Int16.self))
    }
    rows.withUnsafeBufferPointer { rows in
      var a = lvt_posconv_args()
      a.rows = rows.baseAddress
      a.taps = UnsafePointer(memory[Slot.taps].assumingMemoryBound(to: Int16.self))
      a.kernel = kernel
      a.channels = channels
      a.groups = groups
      a.group_channels = groupChannels
      a.count = count
      a.multiplier = UnsafePointer(memory[Slot.multiplier].assumingMemoryBound(to: Float.self))
      a.bias = UnsafePointer(memory[Slot.bias].assumingMemoryBound(to: Float.self))
      a.out_zero_point = Int32(zeroPoint)
      a.out_lo = Int32(bounds.lowerBound)
      a.out = memory[Slot.out].assumingMemoryBound(to: Int8.self)
      a.out_stride = outStride
      kernels.posconv_s16(&a)
    }
  }

  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    for pixel in 0..<count {
      for c in 0..<channels {
        let group = min(c / groupChannels, groups - 1)
        var sum = 0
        for ky in 0..<kernel {
          for kx in 0..<kernel {
            let tap = taps[((pixel * kernel + ky) * kernel + kx) * groups + group]
            sum += Int(values[ky][(pixel + kx) * channels + c]) * Int(tap)
          }
        }
        let scaled = Float(sum) * multiplier[c]
        out[pixel * outStride + c] = quantized(scaled + bias[c], zeroPoint: zeroPoint, bounds)
      }
    }
    return out
  }

  var outputRowBytes: Int { outStride }
  var text: String {
    "\(kernel)x\(kernel), \(groups) groups of \(groupChannels), \(count) pixels, stride \(outStride), "
      + "zero point \(zeroPoint), bounds \(bounds.lowerBound) \(bounds.upperBound)"
  }
}

/// A row of a map as pairs of neighbouring pixels.
struct PairPixelsCase: KernelCase {
  private let kernel, width, channels, pixelStride, zeroPoint: Int
  private let isInside: Bool
  let operands: [Operand]

  private enum Slot { static let out = 0, row = 1 }

  init(kernel: Int, width: Int, blocks: Int, _ draw: inout Draw) {
    self.kernel = kernel
    self.width = width
    channels = blocks * Int(LVT_BLOCK)
    pixelStride = draw.stride(channels)
    zeroPoint = draw.zeroPoint()
    isInside = !draw.chance(oneIn: 5)
    operands = [
      Operand(
        .output,
        [UInt8](repeating: Operand.canary, count: (width + kernel - 1) * channels * 4),
        alignment: 32),
      Operand(.input, draw.activations((width - 1) * pixelStride + channels)),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var a = lvt_pair_pixels_args()
    a.in = isInside ? UnsafePointer(memory[Slot.row].assumingMemoryBound(to: Int8.self)) : nil
    a.pixel_stride = pixelStride
    a.width = width
    a.channels = channels
    a.kernel = kernel
    a.zero_point = Int32(zeroPoint)
    a.out = memory[Slot.out].assumingMemoryBound(to: Int16.self)
    kernels.pair_pixels_s8(&a)
  }

  private func value(_ x: Int, _ c: Int) -> Int16 {
    guard isInside, (0..<width).contains(x) else { return 0 }
    let byte = operands[Slot.row].bytes[x * pixelStride + c]
    return Int16(Int(Int8(bitPattern: byte)) - zeroPoint)
  }

  func reference() -> [UInt8] {
    let pad = (kernel - 1) / 2
    let pairs = (-pad..<width + pad).flatMap { x in
      (0..<channels).flatMap { c in [value(x, c), value(x + 1, c)] }
    }
    return pairs.withUnsafeBytes { Array($0) }
  }

  var outputRowBytes: Int { channels * 4 }
  var text: String {
    "\(kernel)x\(kernel), width \(width), \(channels) channels, stride \(pixelStride), zero point "
      + "\(zeroPoint), \(isInside ? "inside" : "outside")"
  }
}

extension Checker {
  /// Every way in which groups meet vectors, every filter, and real layers.
  func checkPosconv() throws(CheckFailure) {
    for kernel in [1, 3, 5, 7, 9, 11, 13, 15] {
      for groupChannels in Array(1...9) + [12, 16, 17, 24, 40] {
        for _ in 0..<(isQuick || kernel > 7 ? 1 : 5) {
          try check(
            PosconvCase(
              kernel: kernel,
              groups: draw.choose(draw.int(1...9), draw.int(1...40 / groupChannels + 1)),
              groupChannels: groupChannels, count: draw.int(0...5), &draw))
        }
      }
    }
    for groupChannels in [3, 6, 12, 24] {
      try check(
        PosconvCase(kernel: 7, groups: 32, groupChannels: groupChannels, count: 3, &draw))
    }
  }

  func checkPairPixels() throws(CheckFailure) {
    for kernel in [1, 3, 5, 7, 9, 11, 13, 15] {
      for width in Array(1...9) + [56] {
        for blocks in 1...(isQuick ? 1 : 6) {
          try check(PairPixelsCase(kernel: kernel, width: width, blocks: blocks, &draw))
        }
      }
    }
  }
}
