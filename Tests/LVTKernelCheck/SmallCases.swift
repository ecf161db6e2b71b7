// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A table lookup.
struct TableCase: KernelCase {
  private let isInPlace: Bool
  private let count: Int
  let operands: [Operand]

  init(count: Int, _ draw: inout Draw) {
    self.count = count
    isInPlace = draw.chance(oneIn: 2)
    let input = draw.activations(count)
    operands =
      [
        Operand(.output, isInPlace ? input : [UInt8](repeating: Operand.canary, count: count)),
        Operand(.input, draw.random(256)),
      ] + (isInPlace ? [] : [Operand(.input, input)])
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    let bytes = memory.map { $0.assumingMemoryBound(to: Int8.self) }
    kernels.table_s8(bytes[isInPlace ? 0 : 2], bytes[0], count, bytes[1])
  }

  func reference() -> [UInt8] {
    operands[isInPlace ? 0 : 2].bytes.map {
      operands[1].bytes[Int(Int8(bitPattern: $0)) + 128]
    }
  }

  var outputRowBytes: Int { 64 }
  var text: String { "\(count) bytes, in place \(isInPlace)" }
}

/// Int16 values as int8.
struct NarrowCase: KernelCase {
  private let rows, channels, inStride, outStride, zeroPoint: Int
  private let multiplier: Float
  let operands: [Operand]

  init(rows: Int, channels: Int, _ draw: inout Draw) {
    self.rows = rows
    self.channels = channels
    inStride = draw.stride(channels * 2, element: 2)
    outStride = draw.stride(channels)
    zeroPoint = draw.zeroPoint()
    // With a power of two many values lie half-way between two integers.
    multiplier = draw.choose(0, 0x1p-8, 0x1p-7, 0.5, 16384, draw.unit() / 128)
    operands = [
      Operand(
        .output,
        [UInt8](
          repeating: Operand.canary, count: rows == 0 ? 0 : (rows - 1) * outStride + channels)),
      Operand(
        .input, draw.random(rows == 0 ? 0 : (rows - 1) * inStride + channels * 2), alignment: 2),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var n = lvt_narrow_args()
    n.in = UnsafePointer(memory[1].assumingMemoryBound(to: Int16.self))
    n.in_stride = inStride
    n.out = memory[0].assumingMemoryBound(to: Int8.self)
    n.out_stride = outStride
    n.rows = rows
    n.channels = channels
    n.multiplier = multiplier
    n.out_zero_point = Int32(zeroPoint)
    kernels.narrow_s16(&n)
  }

  func reference() -> [UInt8] {
    var out = operands[0].bytes
    for row in 0..<rows {
      for c in 0..<channels {
        let value = Float(int16(operands[1].bytes, at: row * inStride + 2 * c)) * multiplier
        out[row * outStride + c] = quantized(value, zeroPoint: zeroPoint, -128...127)
      }
    }
    return out
  }

  var outputRowBytes: Int { outStride }
  var text: String {
    "\(rows) rows of \(channels) channels, multiplier \(multiplier), zero point \(zeroPoint)"
  }
}

/// Sums of columns over rows.
struct ColumnSumsCase: KernelCase {
  private let rows, channels, stride: Int
  let operands: [Operand]

  init(rows: Int, channels: Int, _ draw: inout Draw) {
    self.rows = rows
    self.channels = channels
    stride = draw.stride(channels)
    operands = [
      Operand(
        .output, [UInt8](repeating: Operand.canary, count: channels * 4), alignment: 4),
      Operand(.input, draw.activations(rows == 0 ? 0 : (rows - 1) * stride + channels)),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    kernels.column_sums_s8(
      memory[1].assumingMemoryBound(to: Int8.self), stride, rows, channels,
      memory[0].assumingMemoryBound(to: Int32.self))
  }

  func reference() -> [UInt8] {
    var out: [UInt8] = []
    for c in 0..<channels {
      var sum = 0
      for row in 0..<rows { sum += Int(Int8(bitPattern: operands[1].bytes[row * stride + c])) }
      for byte in 0..<4 { out.append(UInt8(truncatingIfNeeded: sum >> (8 * byte))) }
    }
    return out
  }

  var outputRowBytes: Int { channels * 4 }
  var text: String { "\(rows) rows of \(channels) channels, stride \(stride)" }
}

/// Grey levels around the middle.
struct CentreCase: KernelCase {
  let operands: [Operand]

  init(count: Int, _ draw: inout Draw) {
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: count)),
      Operand(.input, draw.random(count)),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    kernels.centre_u8(
      UnsafePointer(memory[1].assumingMemoryBound(to: UInt8.self)),
      memory[0].assumingMemoryBound(to: Int8.self), operands[0].bytes.count)
  }

  func reference() -> [UInt8] {
    operands[1].bytes.map { UInt8(bitPattern: Int8(Int($0) - 128)) }
  }

  var outputRowBytes: Int { 64 }
  var text: String { "\(operands[0].bytes.count) bytes" }
}

extension Checker {
  func checkTable() throws(CheckFailure) {
    for count in stride(from: 0, through: 400, by: 16) {
      for _ in 0..<(isQuick ? 3 : 20) { try check(TableCase(count: count, &draw)) }
    }
  }

  func checkNarrow() throws(CheckFailure) {
    for rows in 0...5 {
      for channels in [16, 32, 48, 64, 80, 400] {
        for _ in 0..<(isQuick ? 2 : 20) {
          try check(NarrowCase(rows: rows, channels: channels, &draw))
        }
      }
    }
  }

  func checkColumnSums() throws(CheckFailure) {
    for rows in Array(0...20) + (isQuick ? [] : [3136]) {
      for channels in [16, 32, 48, 64, 80, 96, 400] {
        for _ in 0..<(isQuick ? 1 : 4) {
          try check(ColumnSumsCase(rows: rows, channels: channels, &draw))
        }
      }
    }
  }

  func checkCentre() throws(CheckFailure) {
    for count in Array(0...130) + [960] { try check(CentreCase(count: count, &draw)) }
  }
}
