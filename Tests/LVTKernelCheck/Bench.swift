// SPDX-License-Identifier: Apache-2.0
import CLVTKernels
import CLVTSystem

/// A layer of a real network, to time.
struct Layer {
  enum Kind {
    case product(rows: Int, k: Int, n: Int)
    case depthwise(kernel: Int, size: Int, channels: Int)
    case attention(window: Int, heads: Int, headChannels: Int, isNormalized: Bool)
    case dilatedAttention(size: Int, heads: Int, headChannels: Int)
    case depthwiseAttention(kernel: Int, size: Int, channels: Int, isSoftmax: Bool)
    case pixels(count: Int, channels: Int)
    case posconv(kernel: Int, groups: Int, groupChannels: Int, pixels: Int)
    case yuv(YUVCase.Layout, width: Int)
    case packed(step: Int, width: Int)
    case resampleRow(width: Int, taps: Int, count: Int)
    case resampleRows(taps: Int, count: Int)
  }

  let kind: Kind

  static let all: [Layer] =
    [
      (3136, 32, 32), (3136, 32, 128), (3136, 128, 32), (784, 64, 256), (784, 256, 64),
      (196, 128, 512), (196, 512, 128), (49, 256, 1024), (49, 1024, 256),
    ].map { Layer(kind: .product(rows: $0.0, k: $0.1, n: $0.2)) }
    + [(7, 56, 32), (7, 28, 64), (7, 14, 128), (7, 7, 256)]
    .map { Layer(kind: .depthwise(kernel: $0.0, size: $0.1, channels: $0.2)) }
    + [(4, 3, 8, false), (7, 3, 32, false), (14, 1, 24, false), (7, 3, 32, true)]
    .map {
      Layer(kind: .attention(window: $0.0, heads: $0.1, headChannels: $0.2, isNormalized: $0.3))
    }
    + [(56, 3, 24), (28, 6, 24)]
    .map { Layer(kind: .dilatedAttention(size: $0.0, heads: $0.1, headChannels: $0.2)) }
    + [(7, 56, 96, false), (7, 28, 192, false), (7, 28, 192, true)]
    .map {
      Layer(
        kind: .depthwiseAttention(kernel: $0.0, size: $0.1, channels: $0.2, isSoftmax: $0.3))
    }
    + [(80, 24), (80, 40), (56, 96)].map { Layer(kind: .pixels(count: $0.0, channels: $0.1)) }
    + [(7, 32, 3, 24), (7, 32, 6, 24), (7, 32, 12, 14), (7, 32, 24, 7)]
    .map {
      Layer(kind: .posconv(kernel: $0.0, groups: $0.1, groupChannels: $0.2, pixels: $0.3))
    }
    // A row of a 640 x 480 frame that becomes 224 x 224.
    + YUVCase.Layout.allCases.map { Layer(kind: .yuv($0, width: 640)) }
    + [1, 3, 4].map { Layer(kind: .packed(step: $0, width: 640)) }
    + [6, 12].map { Layer(kind: .resampleRow(width: 640, taps: $0, count: 224)) }
    + [5, 9].map { Layer(kind: .resampleRows(taps: $0, count: 672)) }

  var operation: Operation {
    switch kind {
    case .product: .gemm
    case .depthwise: .dwconv
    case .attention: .attention
    case .dilatedAttention: .dilatedAttention
    case .depthwiseAttention(_, _, _, let isSoftmax):
      isSoftmax ? .depthwiseSoftmax : .depthwiseLayerNorm
    case .pixels: .pixels
    case .posconv: .posconv
    case .yuv: .yuv
    case .packed: .packed
    case .resampleRow: .resampleRow
    case .resampleRows: .resampleRows
    }
  }

  var text: String {
    switch kind {
    case .product(let rows, let k, let n): "\(rows) x \(k) -> \(n)"
    case .depthwise(let kernel, let size, let channels):
      "\(kernel)x\(kernel) \(size)x\(size)x\(channels)"
    case .attention(let window, let heads, let headChannels, let isNormalized):
      "\(window)x\(window) \(heads) heads of \(headChannels)" + (isNormalized ? ", LayerNorm" : "")
    case .dilatedAttention(let size, let heads, let headChannels):
      "\(size)x\(size) \(heads) heads of \(headChannels)"
    case .depthwiseAttention(let kernel, let size, let channels, _):
      "\(kernel)x\(kernel) \(size)x\(size)x\(channels)"
    case .pixels(let count, let channels): "\(count) pixels of \(channels)"
    case .posconv(let kernel, let groups, let groupChannels, let pixels):
      "\(kernel)x\(kernel) \(pixels) pixels, \(groups) groups of \(groupChannels)"
    case .yuv(let layout, let width): "\(width) pixels, \(layout.rawValue)"
    case .packed(let step, let width): "\(width) pixels of \(step) bytes"
    case .resampleRow(let width, let taps, let count): "\(width) -> \(count) of \(taps) taps"
    case .resampleRows(let taps, let count): "\(taps) rows of \(count) bytes"
    }
  }

  /// Multiplications with accumulation; bytes that are gathered.
  var products: Int {
    switch kind {
    case .product(let rows, let k, let n): rows * k * n
    case .depthwise(let kernel, let size, let channels): kernel * kernel * size * size * channels
    case .attention(let window, let heads, let headChannels, _):
      2 * window * window * window * window * heads * headChannels
    case .dilatedAttention(let size, let heads, let headChannels):
      2 * 9 * size * size * heads * headChannels
    case .depthwiseAttention(let kernel, let size, let channels, _):
      2 * kernel * kernel * size * size * channels
    case .pixels(let count, let channels): count * channels
    case .posconv(let kernel, let groups, let groupChannels, let pixels):
      kernel * kernel * groups * groupChannels * pixels
    case .yuv(_, let width): 7 * width
    case .packed: 0
    case .resampleRow(_, let taps, let count): 6 * taps * count
    case .resampleRows(let taps, let count): taps * count
    }
  }
}

/// Nanoseconds of one call: the middle and the tenths from either end of repeated measurements.
struct Timing {
  let median, p10, p90: Double

  init(samples: Int, _ body: () -> Void) {
    body()
    var repeats = 1
    while Self.measure(repeats, body) * Double(repeats) < 500_000 { repeats *= 2 }
    let sorted = (0..<samples).map { _ in Self.measure(repeats, body) }.sorted()
    median = sorted[samples / 2]
    p10 = sorted[samples / 10]
    p90 = sorted[samples * 9 / 10]
  }

  private static func measure(_ repeats: Int, _ body: () -> Void) -> Double {
    let start = lvt_nanoseconds()
    for _ in 0..<repeats { body() }
    return Double(lvt_nanoseconds() - start) / Double(repeats)
  }
}

/// Times a row of the list on every layer of its operation; one line of text for each.
public func benchmark(_ row: KernelRow, seed: UInt64) throws(CheckFailure) -> [String] {
  var lines: [String] = []
  for layer in Layer.all where layer.operation.rawValue == row.operation {
    var draw = Draw(seed: seed)
    switch layer.kind {
    case .product(let rows, let k, let n):
      let product = GemmCase(
        rows: rows, k: k, panelCount: n / Int(LVT_BLOCK), isLayer: true, &draw)
      lines.append(try line(row, layer, product))
    case .depthwise(let kernel, let size, let channels):
      let convolution = DwconvCase(
        kernel: kernel, width: size, height: size, blocks: channels / Int(LVT_BLOCK), mode: .apart,
        isLayer: true, &draw)
      lines.append(try line(row, layer, convolution))
    case .attention(let window, let heads, let headChannels, let isNormalized):
      let attention = AttentionCase(
        keys: window * window, window: window, heads: heads, headChannels: headChannels,
        isNormalized: isNormalized, isLayer: true, &draw)
      lines.append(try line(row, layer, attention))
    case .dilatedAttention(let size, let heads, let headChannels):
      let attention = DilatedAttentionCase(
        height: size, width: size, dilations: 3, headsOfGroup: heads / 3,
        headChannels: headChannels, isLayer: true, &draw)
      lines.append(try line(row, layer, attention))
    case .depthwiseAttention(let kernel, let size, let channels, let isSoftmax):
      let attention = DepthwiseAttentionCase(
        height: size, width: size, kernel: kernel, channels: channels, isSoftmax: isSoftmax,
        isLayer: true, &draw)
      lines.append(try line(row, layer, attention))
    case .pixels(let count, let channels):
      let pixels = PixelsCase(
        count: count, channels: channels, isPicture: false, isLayer: true, &draw)
      lines.append(try line(row, layer, pixels))
    case .posconv(let kernel, let groups, let groupChannels, let pixels):
      let convolution = PosconvCase(
        kernel: kernel, groups: groups, groupChannels: groupChannels, count: pixels, isLayer: true,
        &draw)
      lines.append(try line(row, layer, convolution))
    case .packed(let step, let width):
      lines.append(try line(row, layer, PackedCase(step: step, width: width, &draw)))
    case .yuv(let layout, let width):
      lines.append(try line(row, layer, YUVCase(layout: layout, width: width, &draw)))
    case .resampleRow(let width, let taps, let count):
      let means = ResampleRowCase(width: width, taps: taps, count: count, isLayer: true, &draw)
      lines.append(try line(row, layer, means))
    case .resampleRows(let taps, let count):
      lines.append(
        try line(row, layer, ResampleRowsCase(taps: taps, count: count, isLayer: true, &draw)))
    }
  }
  return lines
}

private func line<Case: KernelCase>(
  _ row: KernelRow, _ layer: Layer, _ kernelCase: Case
) throws(CheckFailure) -> String {
  let fences = kernelCase.operands.map { _ in Fence() }
  var memory: [UnsafeMutableRawPointer] = []
  for (operand, fence) in zip(kernelCase.operands, fences) {
    memory.append(try fence.place(operand, .afterGuard))
  }
  let kernels = row.kernels, twins = lvt_kernels_select(0)
  let (scalar, timing) = withExtendedLifetime(fences) {
    (
      Timing(samples: 5) { kernelCase.call(twins, memory) },
      Timing(samples: 31) { kernelCase.call(kernels, memory) }
    )
  }
  return "\(row.name)  \(layer.text):  median \(fixed(timing.median / 1000)) us  p10 "
    + "\(fixed(timing.p10 / 1000))  p90 \(fixed(timing.p90 / 1000))  x"
    + "\(fixed(scalar.median / timing.median))  "
    + "\(fixed(Double(layer.products) / timing.median)) GMAC/s"
}

private func fixed(_ value: Double) -> String {
  var text = [CChar](repeating: 0, count: 32)
  let length = Int(lvt_format_fixed(&text, text.count, value, 2))
  return String(decoding: text[..<min(length, 31)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
