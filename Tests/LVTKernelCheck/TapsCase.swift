// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// Gathered neighbourhoods of a map or of a picture.
struct TapsCase: KernelCase {
  private let height, width, channels, kernel, step: Int
  private let isPicture: Bool
  private let columns: Int
  private let range: Range<Int>
  private let pixelStride, rowStride, outStride: Int
  let operands: [Operand]

  private enum Slot { static let out = 0, input = 1, outside = 2 }

  /// - Parameter channels: Of a map; a picture has 3, and taps of 4 bytes.
  init(
    height: Int, width: Int, channels: Int, kernel: Int, step: Int, isPicture: Bool,
    isLayer: Bool = false, _ draw: inout Draw
  ) {
    (self.height, self.width, self.kernel, self.step) = (height, width, kernel, step)
    self.isPicture = isPicture
    self.channels = isPicture ? 4 : channels
    let pixelBytes = isPicture ? 3 : channels
    columns = (width - 1) / step + 1
    let positions = columns * ((height - 1) / step + 1)
    let first = draw.int(0...positions), last = draw.int(first...positions)
    range = isLayer || draw.chance(oneIn: 2) ? 0..<positions : first..<last
    pixelStride = isPicture ? 3 : draw.stride(pixelBytes, isTight: isLayer)
    rowStride = draw.stride(width * pixelStride, isTight: isLayer)
    outStride = draw.stride(kernel * kernel * self.channels, isTight: isLayer)
    let extent = (height - 1) * rowStride + (width - 1) * pixelStride + pixelBytes
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: range.count * outStride)),
      Operand(.input, draw.random(extent)),
      Operand(.input, draw.random(self.channels)),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var t = lvt_taps_args()
    t.in = UnsafeRawPointer(memory[Slot.input])
    t.row_stride = rowStride
    t.pixel_stride = pixelStride
    t.height = height
    t.width = width
    t.channels = channels
    t.kernel = kernel
    t.step = step
    t.columns = columns
    t.first = range.lowerBound
    t.count = range.count
    t.outside = UnsafePointer(memory[Slot.outside].assumingMemoryBound(to: Int8.self))
    t.out = memory[Slot.out].assumingMemoryBound(to: Int8.self)
    t.out_stride = outStride
    if isPicture { kernels.taps_u8(&t) } else { kernels.taps_s8(&t) }
  }

  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    let input = operands[Slot.input].bytes, outside = operands[Slot.outside].bytes
    for position in range {
      for tap in 0..<kernel * kernel {
        let y = position / columns * step + tap / kernel - kernel / 2
        let x = position % columns * step + tap % kernel - kernel / 2
        let isInside = (0..<height).contains(y) && (0..<width).contains(x)
        for c in 0..<channels {
          let byte: UInt8
          if !isInside {
            byte = outside[c]
          } else if isPicture && c == 3 {
            byte = 0x80
          } else {
            let value = input[y * rowStride + x * pixelStride + c]
            byte = isPicture ? UInt8(bitPattern: Int8(Int(value) - 128)) : value
          }
          out[(position - range.lowerBound) * outStride + tap * channels + c] = byte
        }
      }
    }
    return out
  }

  var outputRowBytes: Int { outStride }
  var text: String {
    "\(height)x\(width)x\(channels), kernel \(kernel), step \(step), positions "
      + "\(range.lowerBound)..<\(range.upperBound), strides \(pixelStride) \(rowStride) \(outStride)"
  }
}

extension Checker {
  /// Maps smaller and larger than the kernel, at every step up to beyond it.
  func checkTaps(isPicture: Bool) throws(CheckFailure) {
    for kernel in [1, 3, 5, 7] {
      for step in 1...4 {
        for height in [1, 2, 3, 5, 8] {
          for width in Array(1...7) + [16] {
            try check(
              TapsCase(
                height: height, width: width, channels: draw.int(1...33), kernel: kernel,
                step: step, isPicture: isPicture, &draw))
          }
        }
      }
    }
  }
}
