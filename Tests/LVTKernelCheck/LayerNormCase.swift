// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A LayerNorm over rows of int8 or int16, to int8 or int16.
struct LayerNormCase: KernelCase {
  let rows, channels: Int
  let isS16, isOutS16, isInPlace: Bool
  private let inStride, outStride: Int
  private var gamma: [Float]
  private let beta: [Float]
  private let epsilon: Float
  private let zeroPoint: Int
  private(set) var operands: [Operand]

  private enum Slot { static let out = 0, gamma = 1, beta = 2, input = 3 }

  private var pitch: Int { channels.rounded(upTo: Int(LVT_BLOCK)) }
  private var inverse: Float { 1 / Float(channels) }
  private var inverseSquare: Float { 1 / (Float(channels) * Float(channels)) }

  init(rows: Int, channels: Int, isS16: Bool, isOutS16: Bool, _ draw: inout Draw) {
    self.rows = rows
    self.channels = channels
    self.isS16 = isS16
    self.isOutS16 = isOutS16
    isInPlace = isS16 == isOutS16 && draw.chance(oneIn: 2)
    let pitch = channels.rounded(upTo: Int(LVT_BLOCK))
    let element = isS16 ? 2 : 1, outElement = isOutS16 ? 2 : 1
    inStride = draw.stride(pitch * element, element: element)
    outStride =
      isInPlace ? inStride : draw.stride(pitch * outElement, element: outElement)
    let reach = draw.choose(0, 1, 40, 1000, 1e30 as Float)
    let offset = draw.choose(0, 3, 200, 1e30 as Float)
    func parameters(_ reach: Float, _ draw: inout Draw) -> [Float] {
      (0..<pitch).map { $0 < channels ? (2 * draw.unit() - 1) * reach : 0 }
    }
    gamma = parameters(reach, &draw)
    beta = parameters(offset, &draw)
    epsilon = draw.choose(0x1p-40, 1e-3, 1, 1e6)
    zeroPoint = isOutS16 ? 0 : draw.zeroPoint()

    func extent(_ stride: Int, _ row: Int) -> Int { rows == 0 ? 0 : (rows - 1) * stride + row }
    var input = draw.activations(extent(inStride, pitch * element))
    if draw.chance(oneIn: 4) {  // constant rows
      let value = UInt8(draw.int(0...255))
      input = [UInt8](repeating: value, count: input.count)
    }
    let outBytes = extent(outStride, pitch * outElement)
    var operands = [
      Operand(
        .output, isInPlace ? input : [UInt8](repeating: Operand.canary, count: outBytes),
        alignment: outElement),
      Operand(.input, gamma.withUnsafeBytes { Array($0) }, alignment: 4),
      Operand(.input, beta.withUnsafeBytes { Array($0) }, alignment: 4),
    ]
    if !isInPlace { operands.append(Operand(.input, input, alignment: element)) }
    self.operands = operands
    if rows > 0 && draw.chance(oneIn: 3) {
      putOnEdges(row: draw.int(0...rows - 1), &draw)
      self.operands[Slot.gamma].bytes = gamma.withUnsafeBytes { Array($0) }
    }
  }

  // Sets gammas with which a row's values come as close as floats allow to half-way between two
  // integers, where operations in another order show.
  private mutating func putOnEdges(row: Int, _ draw: inout Draw) {
    for (c, normalized) in normalized(row).enumerated() where normalized != 0 {
      let reach = isOutS16 ? 40000 : 150
      let target = Float(draw.int(-reach...reach)) + 0.5
      gamma[c] = (target - beta[c]) / normalized
    }
  }

  private var inputSlot: Int { isInPlace ? Slot.out : Slot.input }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var l = lvt_layernorm_args()
    l.in = UnsafeRawPointer(memory[inputSlot])
    l.in_stride = inStride
    l.in_is_s16 = isS16 ? 1 : 0
    l.rows = rows
    l.channels = channels
    l.gamma = UnsafePointer(memory[Slot.gamma].assumingMemoryBound(to: Float.self))
    l.beta = UnsafePointer(memory[Slot.beta].assumingMemoryBound(to: Float.self))
    l.inv_n = inverse
    l.inv_n2 = inverseSquare
    l.epsilon = epsilon
    l.out_zero_point = Int32(zeroPoint)
    l.out_is_s16 = isOutS16 ? 1 : 0
    l.out = memory[Slot.out]
    l.out_stride = outStride
    kernels.layernorm(&l)
  }

  private func value(_ input: [UInt8], _ row: Int, _ channel: Int) -> Int {
    if !isS16 { return Int(Int8(bitPattern: input[row * inStride + channel])) }
    return int16(input, at: row * inStride + 2 * channel)
  }

  // In the order of operations that lvt_layernorm_args documents, each rounded to binary32.
  private func normalized(_ row: Int) -> [Float] {
    let input = operands[inputSlot].bytes
    let q = (0..<channels).map { value(input, row, $0) }
    let sum = q.reduce(0, +)
    let squares = q.reduce(0) { $0 + $1 * $1 }
    let spread = Float(channels * squares - sum * sum) * inverseSquare
    let r = 1 / (spread + epsilon).squareRoot()
    let factor = r * inverse
    return q.map { Float(channels * $0 - sum) * factor }
  }

  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    for row in 0..<rows {
      let normalized = normalized(row)
      for c in 0..<pitch {
        var v: Float = 0
        if c < channels {
          let scaled = normalized[c] * gamma[c]
          v = scaled + beta[c]
        }
        let at = row * outStride
        if isOutS16 {
          let q = min(max(nearestEven(v), -32768), 32767)
          out[at + 2 * c] = UInt8(truncatingIfNeeded: q)
          out[at + 2 * c + 1] = UInt8(truncatingIfNeeded: q >> 8)
        } else {
          out[at + c] = quantized(v, zeroPoint: zeroPoint, -128...127)
        }
      }
    }
    return out
  }

  var outputRowBytes: Int { outStride }
  var text: String {
    "\(rows) rows of \(channels) channels, \(isS16 ? 16 : 8) to \(isOutS16 ? 16 : 8) bits, in place \(isInPlace), strides "
      + "\(inStride) \(outStride), zero point \(zeroPoint)"
  }
}

extension Checker {
  /// Every remainder of 16 channels, real widths and the widest; a part of the sixteen rows that some kernels
  /// measure together, and more than one sixteen.
  func checkLayerNorm() throws(CheckFailure) {
    for channels in Array(1...40) + [96, 384, 3072, 16384] where !isQuick || channels <= 384 {
      for isS16 in [false, true] {
        for isOutS16 in [false, true] {
          for rows in [0, 1, 2, 3, 7, 18, 35] {
            for _ in 0..<(isQuick ? 1 : channels <= 40 ? 20 : 4) {
              try check(
                LayerNormCase(
                  rows: rows, channels: channels, isS16: isS16, isOutS16: isOutS16, &draw))
            }
          }
        }
      }
    }
  }
}
