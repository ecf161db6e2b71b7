// SPDX-License-Identifier: Apache-2.0
import LVTModel

/// Choices that an input makes: its bytes one after the other, and when they are used up the numbers of a generator
/// that starts from all of them.
final class Entropy: RandomNumberGenerator {
  private let bytes: UnsafeRawBufferPointer
  private var used = 0
  private var generator: SplitMix64

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    // FNV-1a
    generator = SplitMix64(
      seed: bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
  }

  /// A number of the generator, for values of which there are too many to be worth an input's bytes.
  func next() -> UInt64 { generator.next() }

  private func byte() -> Int {
    guard used < bytes.count else { return Int(truncatingIfNeeded: next() & 255) }
    used += 1
    return Int(bytes[used - 1])
  }

  /// A number of a range of at most 2¹⁶.
  func integer(in range: ClosedRange<Int>) -> Int {
    let count = range.count
    guard count > 1 else { return range.lowerBound }
    let value = count <= 256 ? byte() : byte() << 8 | byte()
    return range.lowerBound + value % count
  }

  /// One of some values.
  func element<T>(of values: [T]) -> T { values[integer(in: 0...values.count - 1)] }

  func flag() -> Bool { byte() & 1 == 1 }
}
