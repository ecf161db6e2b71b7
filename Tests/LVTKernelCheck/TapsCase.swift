// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A gathered neighbourhood of a map.
struct TapsCase: KernelCase {
  private let height, width, channels, kernel: Int
  private let row, column: Int
  private let pixelStride: Int
  /// Bytes from one row of the neighbourhood to the next.
  private let segment: Int
  let operands: [Operand]

  private enum Slot { static let out = 0, input = 1, outside = 2 }

  init(height: Int, width: Int, channels: Int, kernel: Int, _ draw: inout Draw) {
    (self.height, self.width, self.channels, self.kernel) = (height, width, channels, kernel)
    (row, column) = (draw.int(0...height - 1), draw.int(0...width - 1))
    pixelStride = draw.stride(channels)
    segment = (kernel * channels).rounded(upTo: 4)
    // Of the last row nothing is filled.
    let outBytes = (kernel - 1) * segment + kernel * channels
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: outBytes)),
      Operand(.input, draw.random((height * width - 1) * pixelStride + channels)),
      Operand(.input, draw.random(channels)),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var t = lvt_taps_args()
    t.in = UnsafePointer(memory[Slot.input].assumingMemoryBound(to: Int8.self))
    t.pixel_stride = pixelStride
    t.height = height
    t.width = width
    t.channels = channels
    t.kernel = kernel
    t.row = row
    t.column = column
    t.outside = UnsafePointer(memory[Slot.outside].assumingMemoryBound(to: Int8.self))
    t.out = memory[Slot.out].assumingMemoryBound(to: Int8.self)
    kernels.taps_s8(&t)
  }

  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    let input = operands[Slot.input].bytes, outside = operands[Slot.outside].bytes
    for tap in 0..<kernel * kernel {
      let y = row + tap / kernel - kernel / 2, x = column + tap % kernel - kernel / 2
      let isInside = (0..<height).contains(y) && (0..<width).contains(x)
      for c in 0..<channels {
        out[tap / kernel * segment + tap % kernel * channels + c] =
          isInside ? input[(y * width + x) * pixelStride + c] : outside[c]
      }
    }
    return out
  }

  var outputRowBytes: Int { segment }
  var text: String {
    "\(height)x\(width)x\(channels), kernel \(kernel), position \(row) \(column), stride \(pixelStride)"
  }
}

extension Checker {
  /// Maps smaller and larger than the kernel.
  func checkTaps() throws(CheckFailure) {
    for kernel in [1, 3, 5, 7] {
      for height in [1, 2, 3, 5, 8] {
        for width in Array(1...7) + [16] {
          for _ in 0..<4 {
            try check(
              TapsCase(
                height: height, width: width, channels: draw.int(1...33), kernel: kernel, &draw))
          }
        }
      }
    }
  }
}
