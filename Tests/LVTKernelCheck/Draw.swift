// SPDX-License-Identifier: Apache-2.0
import LVTModel

/// Random choices of a case, in an order that depends on the seed alone.
struct Draw {
  private var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  mutating func int(_ range: ClosedRange<Int>) -> Int {
    let span = UInt64(range.upperBound - range.lowerBound) + 1
    return range.lowerBound + Int(generator.next() % span)
  }

  mutating func chance(oneIn n: Int) -> Bool { int(1...n) == 1 }

  mutating func choose<T>(_ first: T, _ others: T...) -> T {
    let i = int(0...others.count)
    return i == 0 ? first : others[i - 1]
  }

  /// In 0 ..< 1, every value a multiple of 2^-24.
  mutating func unit() -> Float { Float(generator.next() >> 40) * 0x1p-24 }

  /// An int8 zero point, often one at an end.
  mutating func zeroPoint() -> Int { choose(-128, 127, int(-128...127), int(-20...20)) }

  /// Activations: random, one extreme, extremes in turn, or random after such a corner.
  mutating func activations(_ count: Int) -> [UInt8] {
    switch int(0...6) {
    case 0: return [UInt8](repeating: 0x80, count: count)
    case 1: return [UInt8](repeating: 0x7F, count: count)
    case 2: return (0..<count).map { $0 % 2 == 0 ? 0x80 : 0x7F }
    case 3:
      var bytes = random(count)
      for i in 0..<min(count, 64) { bytes[i] = i % 2 == 0 ? 0x7F : 0x80 }
      return bytes
    default: return random(count)
    }
  }

  mutating func random(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      var word: UInt64 = 0
      for i in 0..<count {
        if i % 8 == 0 { word = generator.next() }
        buffer[i] = UInt8(truncatingIfNeeded: word)
        word >>= 8
      }
      initialized = count
    }
  }

  /// A distance between rows: just enough, or more and of any alignment.
  mutating func stride(_ bytes: Int, element: Int = 1, isTight: Bool = false) -> Int {
    isTight || chance(oneIn: 2) ? bytes : bytes + int(1...37) * element
  }
}

extension Int {
  /// The least multiple of `step` that is not less.
  func rounded(upTo step: Int) -> Int { (self + step - 1) / step * step }
}
