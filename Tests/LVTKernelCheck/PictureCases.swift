// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A row of luma and chroma as RGB.
struct YUVCase: KernelCase {
  enum Layout: String, CaseIterable { case yuyv, uyvy, pairs, swappedPairs, planes }

  private let layout: Layout
  private let width: Int
  private let matrix: lvt_yuv_matrix
  let operands: [Operand]

  init(layout: Layout, width: Int, _ draw: inout Draw) {
    self.layout = layout
    self.width = width
    let largest = lvt_yuv_matrix(
      luma_offset: 0, luma: .max, red_v: .min, green_u: .max, green_v: .min, blue_u: .max)
    let limited = lvt_yuv_matrix(
      luma_offset: 16, luma: 9539, red_v: 13075, green_u: -3209, green_v: -6660, blue_u: 16525)
    matrix = draw.choose(limited, limited, largest)
    let pairs = (width + 1) / 2
    let inputs: [Int] =
      switch layout {
      case .yuyv, .uyvy: [4 * pairs]
      case .pairs, .swappedPairs: [width, 2 * pairs]
      case .planes: [width, pairs, pairs]
      }
    operands =
      [Operand(.output, [UInt8](repeating: Operand.canary, count: 3 * width))]
      + inputs.map { Operand(.input, draw.random($0)) }
  }

  /// Operand and offset of the first sample of Y, U and V.
  private var places: [(operand: Int, offset: Int)] {
    switch layout {
    case .yuyv: [(1, 0), (1, 1), (1, 3)]
    case .uyvy: [(1, 1), (1, 0), (1, 2)]
    case .pairs: [(1, 0), (2, 0), (2, 1)]
    case .swappedPairs: [(1, 0), (2, 1), (2, 0)]
    case .planes: [(1, 0), (2, 0), (3, 0)]
    }
  }

  private var steps: (luma: Int, chroma: Int) {
    switch layout {
    case .yuyv, .uyvy: (2, 4)
    case .pairs, .swappedPairs: (1, 2)
    case .planes: (1, 1)
    }
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    func place(_ i: Int) -> UnsafePointer<UInt8> {
      UnsafePointer(
        (memory[places[i].operand] + places[i].offset).assumingMemoryBound(to: UInt8.self))
    }
    var row = lvt_yuv_rgb_args()
    row.y = place(0)
    row.u = place(1)
    row.v = place(2)
    row.y_step = steps.luma
    row.chroma_step = steps.chroma
    row.width = width
    row.matrix = matrix
    row.rgb = memory[0].assumingMemoryBound(to: UInt8.self)
    kernels.yuv_rgb_u8(&row)
  }

  // Every sample is looked up by what the format's name says, and rounded as a real number.
  func reference() -> [UInt8] {
    func sample(_ i: Int, _ x: Int) -> Double {
      let step = i == 0 ? steps.luma : steps.chroma, at = i == 0 ? x : x / 2
      return Double(operands[places[i].operand].bytes[places[i].offset + at * step])
    }
    var out: [UInt8] = []
    for x in 0..<width {
      let luma = Double(matrix.luma) * (sample(0, x) - Double(matrix.luma_offset))
      let u = sample(1, x) - 128, v = sample(2, x) - 128
      for value in [
        luma + Double(matrix.red_v) * v,
        luma + Double(matrix.green_u) * u + Double(matrix.green_v) * v,
        luma + Double(matrix.blue_u) * u,
      ] {
        out.append(UInt8(min(max((value / 8192 + 0.5).rounded(.down), 0), 255)))
      }
    }
    return out
  }

  var outputRowBytes: Int { 48 }
  var text: String { "\(width) pixels, \(layout.rawValue)" }
}

/// A row of pixels with their colours in some order.
struct PackedCase: KernelCase {
  private let step, width: Int
  private let places: [UInt8]
  let operands: [Operand]

  init(step: Int, width: Int, _ draw: inout Draw) {
    self.step = step
    self.width = width
    places = (0..<3).map { _ in UInt8(draw.int(0...min(step, 3) - 1)) }
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: 3 * width)),
      Operand(.input, draw.random(step * width)),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var row = lvt_packed_rgb_args()
    row.in = UnsafePointer(memory[1].assumingMemoryBound(to: UInt8.self))
    row.step = step
    (row.red, row.green, row.blue) = (places[0], places[1], places[2])
    row.width = width
    row.rgb = memory[0].assumingMemoryBound(to: UInt8.self)
    kernels.packed_rgb_u8(&row)
  }

  func reference() -> [UInt8] {
    (0..<3 * width).map { operands[1].bytes[$0 / 3 * step + Int(places[$0 % 3])] }
  }

  var outputRowBytes: Int { 48 }
  var text: String { "\(width) pixels of \(step) bytes, colours in \(places)" }
}

/// Weights of means as a resize has them, or as large as they may be.
private struct Weights {
  let values: [[Int]]
  let bytes: [UInt8]
  var hasNegative: Bool { values.contains { $0.contains { $0 < 0 } } }

  init(taps: Int, count: Int, _ draw: inout Draw) {
    let largest = (1 << 31 - 1 << 21 - 1) / 255
    let least = draw.choose(-1, 0)
    values = (0..<count).map { _ in
      switch draw.int(0...3) {
      case 0:  // all of it in one tap, often the last
        var one = [Int](repeating: 0, count: taps)
        one[draw.choose(taps - 1, draw.int(0...taps - 1))] = draw.choose(
          largest, least * largest, 1 << 22)
        return one
      case 1: return (0..<taps).map { ($0 % 2 == 0 ? 1 : least) * (largest / taps) }
      default:
        return (0..<taps).map { _ in draw.int(least * (largest / taps / 4)...largest / taps) }
      }
    }
    var bytes: [UInt8] = []
    for mean in values {
      for group in stride(from: 0, to: taps, by: 4) {
        let four = (group..<group + 4).map { $0 < taps ? mean[$0] : 0 }
        for weight in four {
          bytes += (0..<4).map { UInt8(truncatingIfNeeded: weight >> (8 * $0)) }
        }
        for half in four.map({ $0 >> 12 }) + four.map({ $0 & 4095 }) {
          bytes.append(UInt8(truncatingIfNeeded: half))
          bytes.append(UInt8(truncatingIfNeeded: half >> 8))
        }
        for byte in 0..<4 { bytes += four.map { UInt8(truncatingIfNeeded: $0 >> (8 * byte)) } }
      }
    }
    self.bytes = bytes
  }

  static func mean(_ values: [UInt8], _ weights: [Int]) -> UInt8 {
    let sum = zip(values, weights).reduce(1 << 21) { $0 + Int($1.0) * $1.1 }
    return UInt8(min(max(sum >> 22, 0), 255))
  }
}

/// Means along rows.
struct ResampleRowCase: KernelCase {
  private let width, taps, count, rows, spare, inStride, outStride: Int
  private let firsts: [Int]
  private let weights: Weights
  let operands: [Operand]

  init(width: Int, taps: Int, count: Int, isLayer: Bool = false, _ draw: inout Draw) {
    self.width = width
    self.taps = taps
    self.count = count
    firsts =
      isLayer
      ? (0..<count).map { $0 * (width - taps) / max(1, count - 1) }
      : (0..<count).map { _ in draw.int(0...width - taps) }.sorted()
    weights = Weights(taps: taps, count: count, &draw)
    rows = isLayer ? 2 : draw.int(1...3)
    spare = isLayer ? 16 : draw.choose(0, draw.int(0...20))
    inStride = draw.stride(3 * width + spare, isTight: isLayer)
    outStride = draw.stride(3 * count, isTight: isLayer)
    operands = [
      Operand(
        .output, [UInt8](repeating: Operand.canary, count: (rows - 1) * outStride + 3 * count)),
      Operand(.input, draw.random((rows - 1) * inStride + 3 * width + spare)),
      Operand(
        .input,
        firsts.flatMap { first in (0..<4).map { UInt8(truncatingIfNeeded: first >> (8 * $0)) } },
        alignment: 4),
      Operand(.input, weights.bytes, alignment: 4),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var row = lvt_resample_row_args()
    row.in = UnsafePointer(memory[1].assumingMemoryBound(to: UInt8.self))
    row.in_stride = inStride
    row.out_stride = outStride
    row.rows = rows
    row.width = width
    row.spare = spare
    row.first = UnsafePointer(memory[2].assumingMemoryBound(to: UInt32.self))
    row.weights = UnsafePointer(memory[3].assumingMemoryBound(to: lvt_resample_weights.self))
    row.has_negative = weights.hasNegative
    row.taps = taps
    row.count = count
    row.out = memory[0].assumingMemoryBound(to: UInt8.self)
    kernels.resample_row_u8(&row)
  }

  func reference() -> [UInt8] {
    var out = operands[0].bytes
    for row in 0..<rows {
      for i in 0..<count {
        for colour in 0..<3 {
          let values = (firsts[i]..<firsts[i] + taps).map {
            operands[1].bytes[row * inStride + 3 * $0 + colour]
          }
          out[row * outStride + 3 * i + colour] = Weights.mean(values, weights.values[i])
        }
      }
    }
    return out
  }

  var outputRowBytes: Int { 48 }
  var text: String { "\(rows) rows of \(width) pixels to \(count) of \(taps) taps" }
}

/// Means across rows.
struct ResampleRowsCase: KernelCase {
  private let taps, count, stride: Int
  private let weights: Weights
  let operands: [Operand]

  init(taps: Int, count: Int, isLayer: Bool = false, _ draw: inout Draw) {
    self.taps = taps
    self.count = count
    stride = draw.stride(count, isTight: isLayer)
    weights = Weights(taps: taps, count: 1, &draw)
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: count)),
      Operand(.input, draw.random((taps - 1) * stride + count)),
      Operand(.input, weights.bytes, alignment: 4),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    // In reverse, as a ring's rows may be.
    let rows = (0..<taps).map { tap -> UnsafePointer<UInt8>? in
      UnsafePointer(
        (memory[1] + (taps - 1 - tap) * stride).assumingMemoryBound(to: UInt8.self))
    }
    rows.withUnsafeBufferPointer { rows in
      var mean = lvt_resample_rows_args()
      mean.rows = rows.baseAddress
      mean.weights = UnsafePointer(memory[2].assumingMemoryBound(to: lvt_resample_weights.self))
      mean.has_negative = weights.hasNegative
      mean.taps = taps
      mean.count = count
      mean.out = memory[0].assumingMemoryBound(to: UInt8.self)
      kernels.resample_rows_u8(&mean)
    }
  }

  func reference() -> [UInt8] {
    (0..<count).map { x in
      let values = (0..<taps).map { operands[1].bytes[(taps - 1 - $0) * stride + x] }
      return Weights.mean(values, weights.values[0])
    }
  }

  var outputRowBytes: Int { 64 }
  var text: String { "\(taps) rows of \(count) bytes" }
}

extension Checker {
  func checkYUV() throws(CheckFailure) {
    for layout in YUVCase.Layout.allCases {
      for width in Array(0...70) + [640] {
        for _ in 0..<(isQuick ? 1 : 10) {
          try check(YUVCase(layout: layout, width: width, &draw))
        }
      }
    }
  }

  func checkPacked() throws(CheckFailure) {
    for step in [1, 3, 4] {
      for width in Array(0...70) + [640] {
        for _ in 0..<(isQuick ? 2 : 20) { try check(PackedCase(step: step, width: width, &draw)) }
      }
    }
  }

  func checkResampleRow() throws(CheckFailure) {
    for taps in Array(1...13) + [18, 24, 27, 40] {
      for width in [taps, taps + 1, taps + 2, taps + 5, 3 * taps + 20] {
        for count in [0, 1, 2, 3, 4, 5, 11, 32] {
          for _ in 0..<(isQuick ? 1 : 8) {
            try check(ResampleRowCase(width: width, taps: taps, count: count, &draw))
          }
        }
      }
    }
  }

  func checkResampleRows() throws(CheckFailure) {
    for taps in Array(1...13) + [18, 24, 27, 40] {
      for count in Array(0...20) + [31, 32, 33, 64, 672] {
        for _ in 0..<(isQuick ? 1 : 8) {
          try check(ResampleRowsCase(taps: taps, count: count, &draw))
        }
      }
    }
  }
}
