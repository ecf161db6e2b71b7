// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Sums over positions and pictures that say how far a step's integers are from the float network's values.
struct LayerSums: Sendable {
  /// Of each channel: Σ float², Σ (int8 − float)² and Σ (int8 − float).
  private(set) var signal, noise, shift: [Double]
  /// Values that the integers' range does not reach.
  private(set) var clipped = 0
  /// Positions seen.
  private(set) var positions = 0

  init(channels: Int) {
    signal = [Double](repeating: 0, count: channels)
    noise = signal
    shift = signal
  }

  /// - Parameters:
  ///   - float: Positions × channels.
  ///   - bytes: The tensor's, as the engine has them.
  ///   - factors: What the tensor's channels are multiplied with; nil for nothing.
  mutating func add(
    float: [Float], _ bytes: UnsafeRawBufferPointer, _ tensor: Tensor, factors: [Float]?
  ) {
    let channels = tensor.shape.channels, q = tensor.quantization
    let integers: ClosedRange<Int>? =
      switch tensor.type {
      case .int8: -128...127
      case .int16: -32768...32767
      default: nil
      }
    // A value is clipped where the nearest integer would be outside.
    let range = integers.map {
      q.scale * (Float($0.lowerBound - q.zeroPoint) - 0.5)...q.scale
        * (Float($0.upperBound - q.zeroPoint) + 0.5)
    }
    for position in 0..<tensor.shape.positions {
      for c in 0..<channels {
        let at = position * tensor.pitch + c * tensor.type.byteCount
        let value: Float =
          switch tensor.type {
          case .int8:
            q.scale * Float(Int(bytes.load(fromByteOffset: at, as: Int8.self)) - q.zeroPoint)
          case .int16:
            q.scale
              * Float(Int(bytes.loadUnaligned(fromByteOffset: at, as: Int16.self)) - q.zeroPoint)
          case .float32: bytes.loadUnaligned(fromByteOffset: at, as: Float.self)
          case .pictureRGB, .labels: Float(bytes[at])
          }
        let factor = factors?[c] ?? 1, x = float[position * channels + c]
        if let range, !range.contains(factor * x) { clipped += 1 }
        let difference = Double(value / factor) - Double(x)
        signal[c] += Double(x) * Double(x)
        noise[c] += difference * difference
        shift[c] += difference
      }
    }
    positions += tensor.shape.positions
  }

  mutating func add(_ other: LayerSums) {
    for c in signal.indices {
      signal[c] += other.signal[c]
      noise[c] += other.noise[c]
      shift[c] += other.shift[c]
    }
    clipped += other.clipped
    positions += other.positions
  }

  /// Whether all float values were finite.
  var isFinite: Bool { signal.allSatisfy { $0.isFinite } }

  /// Σ float² / Σ (int8 − float)² over all channels, in decibels.
  var decibels: Double { LVTPlanner.decibels(signal.reduce(0, +), noise.reduce(0, +)) }

  /// The root of the mean square of the channels' mean differences, as a share of the root of the mean square
  /// of the float values.
  var meanShift: Double {
    let power = signal.reduce(0, +)
    let square = shift.reduce(0) { $0 + $1 * $1 } / Double(max(1, positions))
    return power > 0 ? (square / power).squareRoot() : 0
  }

  /// The share of the values that are clipped.
  var clippedShare: Double { Double(clipped) / Double(max(1, positions * signal.count)) }
}
