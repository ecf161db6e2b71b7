// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// Attention inside one window.
struct AttentionCase: KernelCase {
  private let window, heads, headChannels: Int
  private let stride, outStride: Int
  private let scoreMultiplier, outMultiplier: Float
  private let zeroPoint: Int
  private let bias: [Int32]
  private let regions: [UInt8]
  let operands: [Operand]

  private enum Slot { static let out = 0, q = 1, k = 2, v = 3, bias = 4, regions = 5, scratch = 6 }

  init(window: Int, heads: Int, headChannels: Int, isLayer: Bool = false, _ draw: inout Draw) {
    self.window = window
    self.heads = heads
    self.headChannels = headChannels
    let tokens = window * window, channels = heads * headChannels
    stride = draw.stride(channels, isTight: isLayer)
    outStride = draw.stride(channels, isTight: isLayer)
    scoreMultiplier = isLayer ? 1 : draw.choose(0, 65536, 0.01, 1, 20 * draw.unit())
    outMultiplier = isLayer ? 2 : draw.choose(0, 65536, 1, 4 * draw.unit())
    zeroPoint = draw.zeroPoint()
    let reach = isLayer ? 2000 : draw.choose(0, 3, 2000, 1 << 21)
    let biasCount =
      isLayer || draw.chance(oneIn: 2) ? heads * (2 * window - 1) * (2 * window - 1) : 0
    bias = (0..<biasCount).map { _ in Int32(draw.int(-reach...reach)) }
    let parts = draw.int(1...4)
    regions =
      !isLayer && draw.chance(oneIn: 2) ? (0..<tokens).map { _ in UInt8(draw.int(1...parts)) } : []

    func extent(_ stride: Int) -> Int { (tokens - 1) * stride + channels }
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: extent(outStride))),
      Operand(.input, draw.activations(extent(stride))),
      Operand(.input, draw.activations(extent(stride))),
      Operand(.input, draw.activations(extent(stride))),
      Operand(.input, bias.withUnsafeBytes { Array($0) }, alignment: 4),
      Operand(.input, regions),
      Operand.scratch(lvt_attention_scratch_bytes(window, headChannels)),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    let bytes = memory.map { $0.assumingMemoryBound(to: Int8.self) }
    var a = lvt_attention_args()
    a.q = UnsafePointer(bytes[Slot.q])
    a.k = UnsafePointer(bytes[Slot.k])
    a.v = UnsafePointer(bytes[Slot.v])
    a.stride = stride
    a.window = window
    a.heads = heads
    a.head_dim = headChannels
    a.score_multiplier = scoreMultiplier
    a.bias =
      bias.isEmpty ? nil : UnsafePointer(memory[Slot.bias].assumingMemoryBound(to: Int32.self))
    a.regions =
      regions.isEmpty
      ? nil : UnsafePointer(memory[Slot.regions].assumingMemoryBound(to: UInt8.self))
    a.out_multiplier = outMultiplier
    a.out_zero_point = Int32(zeroPoint)
    a.out = bytes[Slot.out]
    a.out_stride = outStride
    a.scratch = memory[Slot.scratch]
    kernels.attention_s8(&a)
  }

  private func value(_ slot: Int, _ token: Int, _ channel: Int) -> Int {
    Int(Int8(bitPattern: operands[slot].bytes[token * stride + channel]))
  }

  private func score(_ head: Int, _ query: Int, _ key: Int) -> Int {
    let channels = head * headChannels..<(head + 1) * headChannels
    let sum = channels.reduce(0) { $0 + value(Slot.q, query, $1) * value(Slot.k, key, $1) }
    let scaled = Float(sum) * scoreMultiplier
    let score = nearestEven(min(max(scaled, -0x1p21), 0x1p21))
    guard !bias.isEmpty else { return score }
    let edge = 2 * window - 1
    let row = key / window - query / window + window - 1
    let column = key % window - query % window + window - 1
    return score + Int(bias[(head * edge + row) * edge + column])
  }

  /// The polynomial that lvt_attention_args refers to.
  private func weight(_ distance: Int) -> Int {
    let octaves = distance / 1024
    guard octaves < 15 else { return 0 }
    let x = distance % 1024 * 32
    func product(_ a: Int, _ b: Int) -> Int { (a * b + 16384) >> 15 }
    let p = product(-22656 + product(7555 + product(-1283, x), x), x) + 32767
    return p >> octaves
  }

  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    for head in 0..<heads {
      for query in 0..<window * window {
        let keys = (0..<window * window).filter {
          regions.isEmpty || regions[$0] == regions[query]
        }
        let scores = keys.map { score(head, query, $0) }
        let greatest = scores.max() ?? 0
        let weights = scores.map { weight(greatest - $0) }
        let multiplier = outMultiplier / Float(weights.reduce(0, +))
        for c in head * headChannels..<(head + 1) * headChannels {
          let sum = zip(keys, weights).reduce(0) { $0 + $1.1 * value(Slot.v, $1.0, c) }
          out[query * outStride + c] = quantized(
            Float(sum) * multiplier, zeroPoint: zeroPoint, -128...127)
        }
      }
    }
    return out
  }

  var outputRowBytes: Int { outStride }
  var text: String {
    "window \(window), \(heads) heads of \(headChannels), strides \(stride) \(outStride), scores × "
      + "\(scoreMultiplier), \(bias.count) biases, \(Set(regions).count) regions, × \(outMultiplier)"
  }
}

extension Checker {
  /// Every remainder of 16 channels and of positions, real windows and the largest.
  func checkAttention() throws(CheckFailure) {
    for window in Array(1...8) + [14, 22] where !isQuick || window <= 7 {
      for headChannels in Array(1...18) + [24, 31, 32, 33, 64, 100] {
        let repeats = isQuick || window > 8 ? 1 : 6
        for _ in 0..<(window > 8 && headChannels > 18 && headChannels != 32 ? 0 : repeats) {
          let heads = window > 8 ? 1 : draw.int(1...3)
          try check(
            AttentionCase(window: window, heads: heads, headChannels: headChannels, &draw))
        }
      }
    }
  }
}
