// SPDX-License-Identifier: Apache-2.0

/// The pickle machine's stack, its marks and its memo.
///
/// Nothing below the newest mark can be popped, as in Python. A violation is reported as nil, and
/// the reader, which knows the offset, turns it into an error.
struct PickleStack {
  /// More open marks than any honest nesting needs.
  static let maximumDepth = 2_000

  private var values: [PickleReference] = []
  private var marks: [Int] = []
  private var memo: [UInt32: PickleReference] = [:]

  /// The number of values above the newest mark.
  var count: Int { values.count - (marks.last ?? 0) }

  /// The number of marks that are still open.
  var depth: Int { marks.count }

  /// The newest value, or nil if there is none above the newest mark.
  var top: PickleReference? { count > 0 ? values.last : nil }

  /// Adds a value.
  mutating func push(_ value: PickleReference) { values.append(value) }

  /// Removes the newest value and returns it.
  mutating func pop() -> PickleReference? { count > 0 ? values.removeLast() : nil }

  /// Removes the newest `number` values and returns them, oldest first.
  mutating func pop(_ number: Int) -> [PickleReference]? {
    guard count >= number else { return nil }
    defer { values.removeLast(number) }
    return Array(values.suffix(number))
  }

  /// Opens a mark.
  ///
  /// - Returns: False if too many are open.
  mutating func mark() -> Bool {
    guard marks.count < Self.maximumDepth else { return false }
    marks.append(values.count)
    return true
  }

  /// Removes the newest mark and everything above it, and returns that, oldest first.
  mutating func popToMark() -> [PickleReference]? {
    guard let mark = marks.popLast() else { return nil }
    defer { values.removeSubrange(mark...) }
    return Array(values[mark...])
  }

  /// Remembers the newest value under `key`.
  mutating func memoize(_ key: UInt32) -> Bool {
    guard let top else { return false }
    memo[key] = top
    return true
  }

  /// Remembers the newest value under the next free number.
  mutating func memoize() -> Bool { memoize(UInt32(memo.count)) }

  /// The value that was remembered under `key`.
  func remembered(_ key: UInt32) -> PickleReference? { memo[key] }
}
