// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport

/// Makes a plan's constants: each as a plan may hold it, many as extreme as it may be.
final class ConstantMaker {
  /// The constants so far.
  private(set) var bytes: [UInt8] = []
  let entropy: Entropy
  /// The same, to be drawn from.
  private var generator: Entropy

  init(_ entropy: Entropy) {
    self.entropy = entropy
    generator = entropy
  }

  private func reserve(_ count: Int) -> Int {
    bytes += [UInt8](repeating: 0, count: (bytes.count + 63) / 64 * 64 - bytes.count)
    defer { bytes += [UInt8](repeating: 0, count: count) }
    return bytes.count
  }

  // MARK: Numbers

  func zeroPoint() -> Int {
    entropy.element(of: [-128, 0, 127, -1, 1, entropy.integer(in: -128...127)])
  }

  func scale() -> Float {
    entropy.element(of: [1, 0.01, .leastNonzeroMagnitude, 1e-38, 3.4e38, 1e-20, 1e20, 0.5])
  }

  /// A factor of 0 to `limit`.
  func factor(upTo limit: Float) -> Float {
    entropy.element(of: [
      0, limit, limit / 2, .leastNonzeroMagnitude, 1e-30, limit / 1000, min(limit, 0.004),
      min(limit, 1),
    ])
  }

  func epsilon() -> Float {
    entropy.element(of: [0x1p-40, 1e-5, 1, 1e30, .greatestFiniteMagnitude])
  }

  // MARK: Vectors

  /// How the values of a vector are related.
  private enum Pattern: CaseIterable {
    case same, ends, small, uniform
  }

  /// Float32 values of a range; behind `count` of them zeros up to `padded`.
  func floats(_ count: Int, _ range: ClosedRange<Float>, padded: Int? = nil) -> Int {
    let offset = reserve(4 * (padded ?? count))
    func clamped(_ value: Float) -> Float { max(range.lowerBound, min(range.upperBound, value)) }
    let ends = [
      range.lowerBound, range.upperBound, range.lowerBound / 2, range.upperBound / 2, 0, 1, -1,
      .leastNonzeroMagnitude, 0.3,
    ].map(clamped)
    let pattern = entropy.element(of: Pattern.allCases)
    let same = entropy.element(of: ends)
    for i in 0..<count {
      let value =
        switch pattern {
        case .same: same
        case .ends: ends[Int(entropy.next() % UInt64(ends.count))]
        case .small: clamped(Float(Int(entropy.next() % 8001) - 4000) / 1000)
        case .uniform:
          // Of half the range, whose length may be infinite.
          clamped(
            2 * (range.lowerBound / 2 + (range.upperBound / 2 - range.lowerBound / 2) * unit()))
        }
      bytes.store(value.bitPattern, at: offset + 4 * i)
    }
    return offset
  }

  /// 0 ..< 1.
  private func unit() -> Float { Float(entropy.next() >> 40) * 0x1p-24 }

  /// Float32 biases of sums that become float32.
  func biases(_ count: Int) -> Int { floats(count, -0x1p120...0x1p120) }

  /// Integers of a range.
  func integers<T: FixedWidthInteger & SignedInteger>(_ count: Int, within range: ClosedRange<T>)
    -> Int
  {
    let offset = reserve(count * T.bitWidth / 8)
    let pattern = entropy.element(of: Pattern.allCases)
    for i in 0..<count {
      let value: T =
        switch pattern {
        case .same: range.upperBound
        case .ends: Bool.random(using: &generator) ? range.lowerBound : range.upperBound
        case .small: T.random(in: -1...1, using: &generator)
        case .uniform: T.random(in: range, using: &generator)
        }
      bytes.store(value, at: offset + i * T.bitWidth / 8)
    }
    return offset
  }

  /// The function of an activation, which may be any.
  func table() -> Int { integers(256, within: Int8.min...Int8.max) }

  func norm(_ channels: Int, zeroPoint: Int) -> LayerNorm {
    let most: Float = entropy.element(of: [4, 100, 1e6, .greatestFiniteMagnitude])
    let padded = Shape.blocks(channels) * Shape.block
    var norm = LayerNorm()
    norm.channels = channels
    norm.gammaOffset = floats(channels, -most...most, padded: padded)
    norm.betaOffset = floats(channels, -most...most, padded: padded)
    norm.epsilon = epsilon()
    norm.outputZeroPoint = zeroPoint
    return norm
  }

  // MARK: Matrices

  /// A packed matrix whose sums reach the ends of int32.
  ///
  /// - Parameters:
  ///   - segments: How `k` is divided; nil if it is not.
  ///   - multiplier: The greatest multiplier of a column.
  func matrix(
    _ k: Int, _ n: Int, segments: MatrixSegments? = nil, zeroPoint: Int? = nil,
    multiplier: Float = 0.5
  ) -> PackedMatrix {
    var matrix = PackedMatrix()
    (matrix.k, matrix.n) = (k, n)
    matrix.outputZeroPoint = zeroPoint ?? self.zeroPoint()
    matrix.lowerBound = entropy.element(of: [-128, matrix.outputZeroPoint, self.zeroPoint()])
    matrix.offset = reserve(matrix.byteCount)
    let weights = entropy.element(of: WeightPattern.allCases)
    let bias = entropy.element(of: BiasPattern.allCases)
    let scale = factor(upTo: multiplier)
    for column in 0..<n {
      let panel = matrix.offset + column / 16 * matrix.panelBytes
      fill(column: column % 16, of: panel, k: k, segments, weights, bias)
      let own = entropy.next() % 4 == 0 ? scale * unit() : scale
      bytes.store(own.bitPattern, at: panel + 128 + 4 * (column % 16))
    }
    return matrix
  }

  /// A matrix on the neighbourhoods of a convolution.
  func matrix(
    kernel: Int, channels: Int, _ n: Int, zeroPoint: Int? = nil, multiplier: Float = 0.5
  ) -> PackedMatrix {
    let segments = MatrixSegments(kernel: kernel, channels: channels)
    return matrix(segments.k, n, segments: segments, zeroPoint: zeroPoint, multiplier: multiplier)
  }

  private enum WeightPattern: CaseIterable {
    case greatest, ends, uniform, sparse
  }

  private enum BiasPattern: CaseIterable {
    case zero, greatest, least, uniform
  }

  private func fill(
    column: Int, of panel: Int, k: Int, _ segments: MatrixSegments?, _ pattern: WeightPattern,
    _ bias: BiasPattern
  ) {
    var sum = 0, magnitude = 0
    for i in 0..<k {
      if let segments, !segments.means(i) { continue }
      let number = Int(truncatingIfNeeded: entropy.next() >> 32)
      let weight =
        switch pattern {
        case .greatest: 127
        case .ends: number & 1 == 0 ? 127 : -127
        case .uniform: number % 255 - 127
        case .sparse: number & 7 == 0 ? 1 : 0
        }
      bytes[panel + PackedMatrix.headerBytes + (i / 4 * 16 + column) * 4 + i % 4] =
        UInt8(bitPattern: Int8(weight))
      sum += weight
      magnitude += abs(weight)
    }
    bytes.store(Int32(sum), at: panel + 64 + 4 * column)
    let reach = Int(Int32.max) - 128 * magnitude
    let value =
      switch bias {
      case .zero: 0
      case .greatest: reach
      case .least: -reach
      case .uniform: Int.random(in: -reach...reach, using: &generator)
      }
    bytes.store(Int32(value), at: panel + 4 * column)
  }
}
