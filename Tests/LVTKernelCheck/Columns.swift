// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// Weights, biases and multipliers of `n` columns as a model has them, and their panels.
struct Columns {
  let k, n: Int
  let inputZeroPoint: Int
  /// Column after column, `k` each.
  private(set) var weights: [Int8]
  private(set) var bias: [Int32]
  private(set) var multiplier: [Float]

  private enum Magnitudes: CaseIterable { case ordinary, largest, ties }

  init(k: Int, n: Int, inputZeroPoint: Int, _ draw: inout Draw) {
    self.k = k
    self.n = n
    self.inputZeroPoint = inputZeroPoint
    weights = []
    bias = []
    multiplier = []
    let magnitudes = draw.choose(Magnitudes.ordinary, .ordinary, .largest, .ties)
    weights = Self.drawWeights(count: n * k, k: k, sparse: magnitudes == .ties, &draw)
    let kind = draw.int(0...4)
    for column in 0..<n {
      switch magnitudes {
      case .ordinary:
        bias.append(Int32(draw.int(-20_000...20_000)))
        multiplier.append(Self.drawMultiplier(kind, k: k, &draw))
      case .largest:
        bias.append(largestBias(column, negative: draw.chance(oneIn: 2)))
        multiplier.append(Self.drawMultiplier(kind, k: k, &draw))
      case .ties:  // sums of a few units, halved: every second one lies between two integers
        let reach = draw.choose(300, 2_000, 70_000)
        bias.append(Int32(draw.int(-reach...reach)))
        multiplier.append(draw.choose(0.5, 0.25, 0.125))
      }
    }
  }

  private static func drawWeights(
    count: Int, k: Int, sparse: Bool, _ draw: inout Draw
  ) -> [Int8] {
    if sparse {
      var weights = [Int8](repeating: 0, count: count)
      for column in 0..<count / k {
        weights[column * k + draw.int(0...k - 1)] = Int8(draw.int(-3...3))
      }
      return weights
    }
    switch draw.int(0...5) {
    case 0: return [Int8](repeating: 127, count: count)
    case 1: return [Int8](repeating: -127, count: count)
    case 2: return (0..<count).map { $0 % 2 == 0 ? 127 : -127 }
    default:
      return draw.random(count).map { max(Int8(bitPattern: $0), -127) }
    }
  }

  private static func drawMultiplier(_ kind: Int, k: Int, _ draw: inout Draw) -> Float {
    switch kind {
    case 0: return draw.choose(0, 0.5, .leastNonzeroMagnitude, 0x1p-126, 0x1p-20)
    case 1: return 0.5
    default:  // most results inside int8
      return draw.unit() * 0.01 / Float(k).squareRoot()
    }
  }

  /// The bias with which some int8 input brings the sum to the end of int32.
  private func largestBias(_ column: Int, negative: Bool) -> Int32 {
    var sum = 0, magnitude = 0
    for i in 0..<k {
      let weight = Int(weights[column * k + i])
      sum += weight
      magnitude += abs(weight)
    }
    let folded = Int(Int32.max) - 128 * magnitude
    return Int32((negative ? -folded : folded) + inputZeroPoint * sum)
  }

  /// Chooses a column's multiplier so that a result lies on a rounding edge.
  ///
  /// `sum` times it, plus `addend`, comes as close as floats allow to half-way between two integers,
  /// where an operation that is rounded once more or less shows. A multiplier outside the contract's
  /// range is not taken.
  mutating func putOnEdge(_ column: Int, sum: Int, addend: Float, _ draw: inout Draw) {
    let target = Float(draw.int(-150...150)) + 0.5
    let edge = (target - addend) / Float(sum)
    if edge >= 0 && edge <= 0.5 { multiplier[column] = edge }
  }

  /// The panels.
  ///
  /// A column's weights are rows of `rowLength`, each padded with zeros to a multiple of 4 (a
  /// depth-wise filter); a matrix is one row.
  func packed(rowLength: Int) -> [UInt8] {
    let padded = rowLength.rounded(upTo: 4), rows = k / rowLength
    let packedK = rows == 1 ? k : rows * padded
    var spread = [Int8](repeating: 0, count: n * packedK)
    for column in 0..<n {
      for i in 0..<k {
        spread[column * packedK + i / rowLength * padded + i % rowLength] = weights[column * k + i]
      }
    }
    let panelBytes = lvt_panel_bytes(packedK), block = Int(LVT_BLOCK)
    let panelCount = (n + block - 1) / block
    var bytes = [UInt8](repeating: 0, count: panelCount * panelBytes)
    bytes.withUnsafeMutableBytes { bytes in
      for panel in 0..<panelCount {
        guard let base = bytes.baseAddress else { return }
        let first = panel * block
        spread.withUnsafeBufferPointer { w in
          bias.withUnsafeBufferPointer { bias in
            multiplier.withUnsafeBufferPointer { multiplier in
              lvt_pack_panel(
                (base + panel * panelBytes).assumingMemoryBound(to: lvt_panel.self),
                w.baseAddress.map { $0 + first * packedK }, packedK, packedK, min(n - first, block),
                bias.baseAddress.map { $0 + first }, multiplier.baseAddress.map { $0 + first },
                Int32(inputZeroPoint))
            }
          }
        }
      }
    }
    return bytes
  }

  /// Whether the loader would accept every panel of `packed(rowLength:)`: `rows` rows of `taps`.
  static func areValid(_ panels: [UInt8], rows: Int, taps: Int) -> Bool {
    panels.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return panels.isEmpty }
      let panelBytes = lvt_panel_bytes(rows * ((taps + 3) / 4 * 4))
      for offset in stride(from: 0, to: bytes.count, by: panelBytes) {
        let panel = (base + offset).assumingMemoryBound(to: lvt_panel.self)
        if !lvt_panel_is_valid(panel, rows, taps, Int(LVT_BLOCK), 0.5) { return false }
      }
      return true
    }
  }
}
