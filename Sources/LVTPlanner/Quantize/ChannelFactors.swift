// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVTModel

/// What the channels of a plan's values are multiplied with, as against those of the network that the
/// checkpoint holds; see Equalizer.swift.
///
/// Nothing that runs a plan needs them. Whoever compares a plan with its network does, so the planner keeps them
/// in the provenance, as Float32 of the least byte first in base64, as many as a text may hold in an entry.
struct ChannelFactors: Equatable, Sendable {
  private var factors: [Int: [Float]] = [:]

  /// All values' channels are as the network has them.
  init() {}

  /// The factors of a value, above 0, one a channel; nil for one that is as it was.
  subscript(value: Int) -> [Float]? {
    get { factors[value] }
    set { factors[value] = newValue }
  }

  /// What the keys of ``provenance`` start with.
  static let prefix = "equalized."
  private static let count = prefix + "count"
  /// So many Float32 make 4096 characters, the longest text of a plan.
  private static let chunk = 768
  /// Half of the entries that a plan may have.
  private static let mostEntries = 512

  /// The entries: how many values have factors, and for each its factors, in several entries of one key where
  /// they are many.
  ///
  /// There are none for a network that has too many.
  var provenance: [(key: String, value: String)] {
    var entries = [(key: Self.count, value: "\(factors.count)")]
    for (value, factors) in factors.sorted(by: { $0.key < $1.key }) {
      for start in stride(from: 0, to: factors.count, by: Self.chunk) {
        let bytes = factors[start..<min(factors.count, start + Self.chunk)].flatMap {
          withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) }
        }
        entries.append((key: Self.prefix + "\(value)", value: Data(bytes).base64EncodedString()))
      }
    }
    return entries.count > Self.mostEntries ? [] : entries
  }

  /// Reads the entries of a plan; nil if they are not there or not whole.
  init?(_ plan: Plan) {
    var count: Int?
    for entry in plan.provenance where entry.key.hasPrefix(Self.prefix) {
      if entry.key == Self.count {
        count = Int(entry.value)
        continue
      }
      guard let value = Int(entry.key.dropFirst(Self.prefix.count)),
        let data = Data(base64Encoded: entry.value), data.count % 4 == 0
      else { return nil }
      let bytes = Array(data)
      factors[value, default: []] += stride(from: 0, to: bytes.count, by: 4).map { i in
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[i + $1]) << UInt32(8 * $1) })
      }
    }
    guard let count, count == factors.count,
      factors.allSatisfy({ value, factors in
        plan.tensors.indices.contains(value)
          && factors.count == plan.tensors[value].shape.channels
          && factors.allSatisfy { $0 > 0 && $0.isFinite }
      })
    else { return nil }
  }
}
