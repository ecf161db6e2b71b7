// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// Attention of some positions to all.
struct AttentionCase: KernelCase {
  private let keys, heads, headChannels: Int
  /// Edge of the window if there are biases.
  private let window: Int
  private let queries: Range<Int>
  private let isInPlace: Bool
  private let stride, outStride: Int
  private let scoreMultiplier, outMultiplier: Float
  private let zeroPoint: Int
  private let bias: [Int32]
  private let regions: [UInt8]
  /// Of the LayerNorm over the keys, for each head; empty for softmax.
  private let gamma, beta: [Float]
  private let epsilon: Float
  let operands: [Operand]

  private enum Slot {
    static let out = 0, q = 1, k = 2, v = 3, bias = 4, regions = 5, scratch = 6, gamma = 7, beta = 8
  }

  /// - Parameters:
  ///   - window: If not nil, `keys` is its square, and there are biases in every second case.
  ///   - isNormalized: Whether LayerNorm takes the softmax's place.
  init(
    keys: Int, window: Int?, heads: Int, headChannels: Int, isNormalized: Bool,
    isLayer: Bool = false, _ draw: inout Draw
  ) {
    self.keys = keys
    self.heads = heads
    self.headChannels = headChannels
    let channels = heads * headChannels
    isInPlace = !isLayer && draw.chance(oneIn: 2)
    stride = draw.stride(channels, isTight: isLayer)
    outStride = isInPlace ? stride : draw.stride(channels, isTight: isLayer)
    let first = draw.int(0...keys), last = draw.int(first...keys)
    queries = isLayer || draw.chance(oneIn: 2) ? 0..<keys : first..<last
    scoreMultiplier = isLayer ? 1 : draw.choose(0, 65536, 0.01, 1, 20 * draw.unit())
    outMultiplier = isLayer ? 2 : draw.choose(0, 65536, 1, 4 * draw.unit())
    zeroPoint = draw.zeroPoint()
    let reach = isLayer ? 2000 : draw.choose(0, 3, 2000, 1 << 21)
    self.window = window.map { isLayer || draw.chance(oneIn: 2) ? $0 : 0 } ?? 0
    let biasCount = self.window > 0 ? heads * (2 * self.window - 1) * (2 * self.window - 1) : 0
    bias = (0..<biasCount).map { _ in Int32(draw.int(-reach...reach)) }
    let parts = draw.int(1...4)
    regions =
      !isLayer && draw.chance(oneIn: 2) ? (0..<keys).map { _ in UInt8(draw.int(1...parts)) } : []
    func parameters(_ draw: inout Draw) -> [Float] {
      let reach = draw.choose(0, 0.1, 1, 0x1p24 as Float)
      return (0..<(isNormalized ? heads : 0)).map { _ in (2 * draw.unit() - 1) * reach }
    }
    gamma = parameters(&draw)
    beta = parameters(&draw)
    epsilon = draw.choose(0x1p-40, 1e-3, 1e3, 1e30)

    func extent(_ stride: Int) -> Int { (keys - 1) * stride + channels }
    let queryBytes = draw.activations(extent(stride))
    operands = [
      Operand(
        .output,
        isInPlace ? queryBytes : [UInt8](repeating: Operand.canary, count: extent(outStride))),
      Operand(.input, queryBytes),
      Operand(.input, draw.activations(extent(stride))),
      Operand(.input, draw.activations(extent(stride))),
      Operand(.input, bias.withUnsafeBytes { Array($0) }, alignment: 4),
      Operand(.input, regions),
      Operand.scratch(lvt_attention_scratch_bytes(keys, headChannels)),
      Operand(.input, gamma.withUnsafeBytes { Array($0) }, alignment: 4),
      Operand(.input, beta.withUnsafeBytes { Array($0) }, alignment: 4),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    let bytes = memory.map { $0.assumingMemoryBound(to: Int8.self) }
    var a = lvt_attention_args()
    a.q = UnsafePointer(bytes[isInPlace ? Slot.out : Slot.q])
    a.k = UnsafePointer(bytes[Slot.k])
    a.v = UnsafePointer(bytes[Slot.v])
    a.stride = stride
    a.keys = keys
    a.first = queries.lowerBound
    a.queries = queries.count
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
    var norm = lvt_key_norm(
      gamma: memory[Slot.gamma].assumingMemoryBound(to: Float.self),
      beta: memory[Slot.beta].assumingMemoryBound(to: Float.self), epsilon: epsilon)
    withUnsafePointer(to: &norm) { norm in
      a.key_norm = gamma.isEmpty ? nil : norm
      kernels.attention_s8(&a)
    }
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

  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    for head in 0..<heads {
      for query in queries {
        let keys = (0..<self.keys).filter {
          regions.isEmpty || regions[$0] == regions[query]
        }
        let scores = keys.map { score(head, query, $0) }
        guard gamma.isEmpty else {
          let norm = KeyNorm(scores, epsilon: epsilon)
          for c in head * headChannels..<(head + 1) * headChannels {
            let sums = norm.sums(keys.map { value(Slot.v, $0, c) })
            let weighted = sums.centred * ((norm.factor * gamma[head]) * outMultiplier)
            let shifted = sums.values * (beta[head] * outMultiplier)
            out[query * outStride + c] = quantized(
              weighted + shifted, zeroPoint: zeroPoint, -128...127)
          }
          continue
        }
        let greatest = scores.max() ?? 0
        // 512 weights of 15 bits fit, as many as 1024 of 14, …
        let halvings = (0...7).first { self.keys <= 512 << $0 } ?? 0
        let weights = scores.map { attentionWeight(greatest - $0) >> halvings }
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
    "\(keys) keys, queries \(queries.lowerBound)..<\(queries.upperBound), in place \(isInPlace), window "
      + "\(window), \(heads) heads of \(headChannels), strides \(stride) \(outStride), scores × "
      + "\(scoreMultiplier), \(bias.count) biases, \(Set(regions).count) regions, × \(outMultiplier), "
      + (gamma.isEmpty ? "softmax" : "LayerNorm with epsilon \(epsilon)")
  }
}

/// ReLU and LayerNorm over the scores of the keys that a query sees.
struct KeyNorm {
  private let weights: [Int]
  /// One over deviation and number of keys.
  let factor: Float

  init(_ scores: [Int], epsilon: Float) {
    weights = scores.map { min(max($0, 0), 32767) }
    let sum = weights.reduce(0, +), squares = weights.reduce(0) { $0 + $1 * $1 }
    let inverse = 1 / Float(scores.count)
    let inverseSquare = inverse * inverse
    let variance = Float(scores.count * squares - sum * sum) * inverseSquare
    factor = (1 / (variance + epsilon).squareRoot()) * inverse
  }

  /// The values' sum with the weights' distances from their mean, times the number of keys, and the
  /// values' own sum.
  func sums(_ values: [Int]) -> (centred: Float, values: Float) {
    let total = weights.reduce(0, +)
    let centred = zip(weights, values).reduce(0) { $0 + ($1.0 * values.count - total) * $1.1 }
    return (Float(centred), Float(values.reduce(0, +)))
  }
}

/// The polynomial that lvt_attention_args refers to, in 15 bits.
func attentionWeight(_ distance: Int) -> Int {
  let octaves = distance / 1024
  guard octaves < 15 else { return 0 }
  let x = distance % 1024 * 32
  func product(_ a: Int, _ b: Int) -> Int { (a * b + 16384) >> 15 }
  let p = product(-22656 + product(7555 + product(-1283, x), x), x) + 32767
  return p >> octaves
}

/// Attention of each position to its neighbours at several distances.
struct DilatedAttentionCase: KernelCase {
  private let height, width, dilations, heads, headChannels: Int
  private let rows: Range<Int>
  private let isInPlace: Bool
  private let stride, outStride: Int
  private let scoreMultiplier, outMultiplier: Float
  private let zeroPoint: Int
  let operands: [Operand]

  private enum Slot { static let out = 0, q = 1, k = 2, v = 3, scratch = 4 }

  init(
    height: Int, width: Int, dilations: Int, headsOfGroup: Int, headChannels: Int,
    isLayer: Bool = false, _ draw: inout Draw
  ) {
    (self.height, self.width, self.dilations) = (height, width, dilations)
    heads = dilations * headsOfGroup
    self.headChannels = headChannels
    let channels = heads * headChannels
    isInPlace = !isLayer && draw.chance(oneIn: 2)
    stride = draw.stride(channels, isTight: isLayer)
    outStride = isInPlace ? stride : draw.stride(channels, isTight: isLayer)
    let first = draw.int(0...height), last = draw.int(first...height)
    rows = isLayer || draw.chance(oneIn: 2) ? 0..<height : first..<last
    scoreMultiplier = isLayer ? 1 : draw.choose(0, 65536, 0.01, 1, 20 * draw.unit())
    outMultiplier = isLayer ? 2 : draw.choose(0, 65536, 1, 4 * draw.unit())
    zeroPoint = draw.zeroPoint()
    let positions = height * width
    func extent(_ stride: Int) -> Int { (positions - 1) * stride + channels }
    let queries = draw.activations(extent(stride))
    operands = [
      Operand(
        .output,
        isInPlace ? queries : [UInt8](repeating: Operand.canary, count: extent(outStride))),
      Operand(.input, queries),
      Operand(.input, draw.activations(extent(stride))),
      Operand(.input, draw.activations(extent(stride))),
      Operand.scratch(lvt_dilated_attention_scratch_bytes(headChannels)),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    let bytes = memory.map { $0.assumingMemoryBound(to: Int8.self) }
    var a = lvt_dilated_attention_args()
    a.q = UnsafePointer(bytes[isInPlace ? Slot.out : Slot.q])
    a.k = UnsafePointer(bytes[Slot.k])
    a.v = UnsafePointer(bytes[Slot.v])
    a.stride = stride
    a.height = height
    a.width = width
    a.y_begin = rows.lowerBound
    a.y_end = rows.upperBound
    a.dilations = dilations
    a.heads = heads
    a.head_dim = headChannels
    a.score_multiplier = scoreMultiplier
    a.out_multiplier = outMultiplier
    a.out_zero_point = Int32(zeroPoint)
    a.out = bytes[Slot.out]
    a.out_stride = outStride
    a.scratch = memory[Slot.scratch]
    kernels.dilated_attention_s8(&a)
  }

  /// A value at a row and a column, 0 outside the map.
  private func value(_ slot: Int, _ y: Int, _ x: Int, _ channel: Int) -> Int {
    guard (0..<height).contains(y), (0..<width).contains(x) else { return 0 }
    return Int(Int8(bitPattern: operands[slot].bytes[(y * width + x) * stride + channel]))
  }

  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    for y in rows {
      for x in 0..<width {
        for head in 0..<heads {
          let distance = head * dilations / heads + 1
          let channels = head * headChannels..<(head + 1) * headChannels
          var neighbours: [(y: Int, x: Int)] = []
          for dy in [-distance, 0, distance] {
            for dx in [-distance, 0, distance] { neighbours.append((y + dy, x + dx)) }
          }
          let scores = neighbours.map { n -> Int in
            let sum = channels.reduce(0) {
              $0 + value(Slot.q, y, x, $1) * value(Slot.k, n.y, n.x, $1)
            }
            return nearestEven(min(max(Float(sum) * scoreMultiplier, -0x1p21), 0x1p21))
          }
          let weights = scores.map { attentionWeight((scores.max() ?? 0) - $0) }
          let multiplier = outMultiplier / Float(weights.reduce(0, +))
          for c in channels {
            let sum = zip(neighbours, weights).reduce(0) {
              $0 + $1.1 * value(Slot.v, $1.0.y, $1.0.x, c)
            }
            out[(y * width + x) * outStride + c] = quantized(
              Float(sum) * multiplier, zeroPoint: zeroPoint, -128...127)
          }
        }
      }
    }
    return out
  }

  var outputRowBytes: Int { outStride }
  var text: String {
    "map \(height)x\(width), rows \(rows.lowerBound)..<\(rows.upperBound), in place \(isInPlace), "
      + "\(dilations) dilations, \(heads) heads of \(headChannels), strides \(stride) \(outStride), "
      + "scores × \(scoreMultiplier), × \(outMultiplier)"
  }
}

/// Attention of each channel to the K x K neighbours of a position.
struct DepthwiseAttentionCase: KernelCase {
  private let height, width, kernel, channels: Int
  private let isSoftmax: Bool
  private let rows: Range<Int>
  private let isInPlace: Bool
  private let stride, outStride: Int
  private let zeroPoint: Int
  private let bias: [Int16]
  /// Softmax: multipliers of scores, of means, and nothing; LayerNorm: gamma, beta, epsilon.
  private let constants: [[Float]]
  let operands: [Operand]

  private enum Slot {
    static let out = 0, q = 1, k = 2, v = 3, scratch = 4, bias = 5, constants = 6
  }

  init(
    height: Int, width: Int, kernel: Int, channels: Int, isSoftmax: Bool, isLayer: Bool = false,
    _ draw: inout Draw
  ) {
    (self.height, self.width, self.kernel, self.channels) = (height, width, kernel, channels)
    self.isSoftmax = isSoftmax
    isInPlace = !isLayer && draw.chance(oneIn: 2)
    stride = draw.stride(channels, isTight: isLayer)
    outStride = isInPlace ? stride : draw.stride(channels, isTight: isLayer)
    let first = draw.int(0...height), last = draw.int(first...height)
    rows = isLayer || draw.chance(oneIn: 2) ? 0..<height : first..<last
    zeroPoint = draw.zeroPoint()
    let reach = isLayer ? 2000 : draw.choose(0, 3, 2000, 32767)
    bias = (0..<kernel * kernel * channels).map { _ in Int16(draw.int(-reach...reach)) }
    func drawn(_ body: (inout Draw) -> Float) -> [Float] { (0..<channels).map { _ in body(&draw) } }
    let isTame = isLayer || draw.chance(oneIn: 2)
    if isSoftmax {
      constants = [
        drawn { isTame ? $0.unit() : $0.choose(0, 65536, 0.01, 1, 20 * $0.unit()) },
        drawn { isTame ? 2 * $0.unit() : $0.choose(0, 65536, 1, 4 * $0.unit()) }, [],
      ]
    } else {
      constants = [
        drawn { isTame ? $0.unit() : $0.choose(0, -0x1p24, 0x1p24, 2 * $0.unit() - 1) },
        drawn { isTame ? $0.unit() / 10 : $0.choose(0, -0x1p24, 0x1p24, 2 * $0.unit() - 1) },
        drawn { isTame ? 1000 * $0.unit() + 1 : $0.choose(0x1p-40, 1e-3, 1e3, 1e30) },
      ]
    }
    let positions = height * width, pitch = channels
    func extent(_ stride: Int) -> Int { (positions - 1) * stride + pitch }
    let queries = draw.activations(extent(stride))
    operands =
      [
        Operand(
          .output,
          isInPlace ? queries : [UInt8](repeating: Operand.canary, count: extent(outStride))),
        Operand(.input, queries),
        Operand(.input, draw.activations(extent(stride))),
        Operand(.input, draw.activations(extent(stride))),
        Operand.scratch(lvt_depthwise_attention_scratch_bytes(channels)),
        Operand(.input, bias.withUnsafeBytes { Array($0) }, alignment: 2),
      ]
      + constants.map { Operand(.input, $0.withUnsafeBytes { Array($0) }, alignment: 4) }
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    let bytes = memory.map { $0.assumingMemoryBound(to: Int8.self) }
    let floats = (0..<3).map {
      UnsafePointer(memory[Slot.constants + $0].assumingMemoryBound(to: Float.self))
    }
    var a = lvt_depthwise_attention_args()
    a.q = UnsafePointer(bytes[isInPlace ? Slot.out : Slot.q])
    a.k = UnsafePointer(bytes[Slot.k])
    a.v = UnsafePointer(bytes[Slot.v])
    a.stride = stride
    a.height = height
    a.width = width
    a.y_begin = rows.lowerBound
    a.y_end = rows.upperBound
    a.kernel = kernel
    a.channels = channels
    a.bias = UnsafePointer(memory[Slot.bias].assumingMemoryBound(to: Int16.self))
    a.out_zero_point = Int32(zeroPoint)
    a.out = bytes[Slot.out]
    a.out_stride = outStride
    a.scratch = memory[Slot.scratch]
    if isSoftmax {
      a.score_multiplier = floats[0]
      a.out_multiplier = floats[1]
      kernels.depthwise_softmax_s8(&a)
    } else {
      (a.gamma, a.beta, a.epsilon) = (floats[0], floats[1], floats[2])
      kernels.depthwise_layernorm_s8(&a)
    }
  }

  /// A value at a row and a column, 0 outside the map.
  private func value(_ slot: Int, _ y: Int, _ x: Int, _ channel: Int) -> Int {
    guard (0..<height).contains(y), (0..<width).contains(x) else { return 0 }
    return Int(Int8(bitPattern: operands[slot].bytes[(y * width + x) * stride + channel]))
  }

  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    let half = kernel / 2
    for y in rows {
      for x in 0..<width {
        for c in 0..<channels {
          var products: [Int] = [], biases: [Int] = [], values: [Int] = []
          for dy in 0..<kernel {
            for dx in 0..<kernel {
              let ny = y + dy - half, nx = x + dx - half
              products.append(value(Slot.q, y, x, c) * value(Slot.k, ny, nx, c))
              biases.append(Int(bias[(dy * kernel + dx) * channels + c]))
              values.append(value(Slot.v, ny, nx, c))
            }
          }
          let result: Float
          if isSoftmax {
            let scores = zip(products, biases).map { product, bias in
              let scaled = Float(product) * constants[0][c]
              return nearestEven(min(max(scaled, -0x1p21), 0x1p21)) + bias
            }
            let weights = scores.map { attentionWeight((scores.max() ?? 0) - $0) }
            let sum = zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 }
            result = Float(sum) * (constants[1][c] / Float(weights.reduce(0, +)))
          } else {
            let norm = KeyNorm(zip(products, biases).map { $0 + $1 }, epsilon: constants[2][c])
            let sums = norm.sums(values)
            let weighted = sums.centred * (norm.factor * constants[0][c])
            let shifted = sums.values * constants[1][c]
            result = weighted + shifted
          }
          out[(y * width + x) * outStride + c] = quantized(
            result, zeroPoint: zeroPoint, -128...127)
        }
      }
    }
    return out
  }

  var outputRowBytes: Int { outStride }
  var text: String {
    "\(kernel)x\(kernel), map \(height)x\(width)x\(channels), rows \(rows.lowerBound)..<"
      + "\(rows.upperBound), in place \(isInPlace), strides \(stride) \(outStride)"
  }
}

extension Checker {
  /// Every remainder of 16 channels and of positions, real windows, the largest, and more keys than 15
  /// bits have room for.
  func checkAttention() throws(CheckFailure) {
    for window in Array(1...8) + [14, 22] where !isQuick || window <= 7 {
      for headChannels in Array(1...18) + [24, 31, 32, 33, 64, 100] {
        let repeats = isQuick || window > 8 ? 1 : 6
        for _ in 0..<(window > 8 && headChannels > 18 && headChannels != 32 ? 0 : repeats) {
          let heads = window > 8 ? 1 : draw.int(1...3)
          for isNormalized in [false, true] {
            try check(
              AttentionCase(
                keys: window * window, window: window, heads: heads, headChannels: headChannels,
                isNormalized: isNormalized, &draw))
          }
        }
      }
    }
    for keys in Array(1...40) + [300, 512, 513, 1200] + (isQuick ? [] : [4097]) {
      let headChannels = draw.choose(8, 24, draw.int(1...33))
      for isNormalized in keys <= 512 ? [false, true] : [false] {
        try check(
          AttentionCase(
            keys: keys, window: nil, heads: 1, headChannels: headChannels,
            isNormalized: isNormalized, &draw))
      }
    }
  }

  /// Every remainder of 16 channels, and maps smaller than the distances.
  func checkDilatedAttention() throws(CheckFailure) {
    for headChannels in Array(1...18) + [24, 31, 32, 33, 64, 100] {
      for dilations in 1...3 {
        for _ in 0..<(isQuick ? 1 : 8) {
          try check(
            DilatedAttentionCase(
              height: draw.int(1...9), width: draw.int(1...9), dilations: dilations,
              headsOfGroup: draw.int(1...2), headChannels: headChannels, &draw))
        }
      }
    }
  }

  /// All kernels, several blocks of channels, and maps smaller than the window.
  func checkDepthwiseAttention(isSoftmax: Bool) throws(CheckFailure) {
    for kernel in stride(from: 1, through: 15, by: 2) {
      for channels in [16, 32, 48, 96] where kernel < 11 || channels < 48 {
        for _ in 0..<(isQuick ? 1 : kernel < 11 ? 8 : 3) {
          try check(
            DepthwiseAttentionCase(
              height: draw.int(1...9), width: draw.int(1...9), kernel: kernel, channels: channels,
              isSoftmax: isSoftmax, &draw))
        }
      }
    }
  }
}
