// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// Copied pixels of a map or of a picture.
struct PixelsCase: KernelCase {
  private let count, channels: Int
  private let isPicture: Bool
  private let inStride, outStride: Int
  let operands: [Operand]

  private enum Slot { static let out = 0, input = 1 }

  /// - Parameter channels: Of a map; a picture has 3, and makes 4 bytes of each pixel.
  init(
    count: Int, channels: Int, isPicture: Bool, isLayer: Bool = false, isTight: Bool = false,
    _ draw: inout Draw
  ) {
    (self.count, self.isPicture) = (count, isPicture)
    self.channels = isPicture ? 4 : channels
    let inBytes = isPicture ? 3 : channels
    // A layer's positions lie on multiples of 16 bytes.
    inStride = isLayer ? channels.rounded(upTo: 16) : draw.stride(inBytes, isTight: isTight)
    outStride = draw.stride(self.channels, isTight: isLayer || isTight)
    func extent(_ stride: Int, _ bytes: Int) -> Int {
      count == 0 ? 0 : (count - 1) * stride + bytes
    }
    operands = [
      Operand(
        .output, [UInt8](repeating: Operand.canary, count: extent(outStride, self.channels))),
      Operand(.input, draw.random(extent(inStride, inBytes))),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var p = lvt_pixels_args()
    p.in = UnsafeRawPointer(memory[Slot.input])
    p.out = memory[Slot.out].assumingMemoryBound(to: Int8.self)
    p.in_stride = inStride
    p.out_stride = outStride
    p.count = count
    p.channels = channels
    if isPicture { kernels.pixels_u8(&p) } else { kernels.pixels_s8(&p) }
  }

  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    let input = operands[Slot.input].bytes
    for i in 0..<count {
      for c in 0..<channels {
        if isPicture && c == 3 {
          out[i * outStride + c] = 0x80
        } else {
          let value = input[i * inStride + c]
          out[i * outStride + c] = isPicture ? UInt8(bitPattern: Int8(Int(value) - 128)) : value
        }
      }
    }
    return out
  }

  var outputRowBytes: Int { outStride }
  var text: String { "\(count) pixels of \(channels), strides \(inStride) \(outStride)" }
}

extension Checker {
  /// Every remainder of vectors, in channels and in pixels.
  func checkPixels(isPicture: Bool) throws(CheckFailure) {
    for count in Array(0...17) + [63, 64, 65] {
      for channels in isPicture ? [3, 3, 3] : Array(1...34) + [48, 100] {
        for isTight in [false, true] {
          try check(
            PixelsCase(
              count: count, channels: channels, isPicture: isPicture, isTight: isTight, &draw))
        }
      }
    }
  }
}
