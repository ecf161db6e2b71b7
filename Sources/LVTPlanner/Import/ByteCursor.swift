// SPDX-License-Identifier: Apache-2.0

/// Reads little-endian values from a part of a file, one after the other.
///
/// Every read is checked against the end of the part, and no size from the file is ever added to an
/// offset before it was compared with what is left, so hostile sizes cannot overflow.
struct ByteCursor {
  /// The file that is read.
  let file: FileBytes

  /// The offset in the file of the next byte.
  private(set) var offset: Int

  /// The offset in the file after the last byte that may be read.
  let end: Int

  /// Starts at the beginning of `range`, which must lie inside the file.
  init(_ file: FileBytes, in range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= file.count, "range outside the file")
    self.file = file
    offset = range.lowerBound
    end = range.upperBound
  }

  /// Starts at the beginning of the file and may read all of it.
  init(_ file: FileBytes) {
    self.init(file, in: 0..<file.count)
  }

  /// The number of bytes left.
  var remaining: Int { end - offset }

  /// Steps over `count` bytes and returns where they are.
  ///
  /// - Parameter what: What they are, for the error, such as `"a 4 byte integer"`.
  /// - Throws: ``ImportError/truncated(file:offset:expected:available:)`` if fewer are left.
  mutating func take(_ count: Int, _ what: @autoclosure () -> String) throws(ImportError)
    -> Range<Int>
  {
    guard count >= 0, count <= remaining else {
      throw .truncated(file: file.name, offset: offset, expected: what(), available: remaining)
    }
    defer { offset += count }
    return offset..<(offset + count)
  }

  /// Steps over as many bytes as a 64-bit size from the file says.
  mutating func take(_ count: UInt64, _ what: @autoclosure () -> String) throws(ImportError)
    -> Range<Int>
  {
    try take(Int(exactly: count) ?? .max, what())
  }

  /// Reads one little-endian integer of any width.
  mutating func integer<Value: FixedWidthInteger>(
    _: Value.Type = Value.self, _ what: @autoclosure () -> String
  ) throws(ImportError) -> Value {
    let range = try take(MemoryLayout<Value>.size, what())
    return Value(
      littleEndian: file.withBytes(in: range) { $0.loadUnaligned(as: Value.self) })
  }

  /// Reads `count` bytes of UTF-8.
  ///
  /// - Throws: ``ImportError/malformed(file:offset:expected:found:)`` if they are not UTF-8.
  mutating func string(_ count: UInt64, _ what: @autoclosure () -> String) throws(ImportError)
    -> String
  {
    let range = try take(count, what())
    guard let text = file.withBytes(in: range, { String(validating: $0, as: UTF8.self) }) else {
      throw .malformed(
        file: file.name, offset: range.lowerBound, expected: "\(what()) in UTF-8",
        found: "other bytes")
    }
    return text
  }

  /// Reads bytes up to the next line feed, and steps over the line feed.
  ///
  /// - Returns: Where the bytes before the line feed are.
  mutating func line(_ what: @autoclosure () -> String) throws(ImportError) -> Range<Int> {
    let rest = offset..<end
    guard let length = file.withBytes(in: rest, { $0.firstIndex(of: UInt8(ascii: "\n")) }) else {
      throw .truncated(
        file: file.name, offset: offset, expected: "\(what()) and a line feed",
        available: remaining)
    }
    defer { offset += length + 1 }
    return offset..<(offset + length)
  }

  /// Moves to `offset`, which must not lie behind the end.
  mutating func move(to offset: Int) {
    precondition(offset >= 0 && offset <= end, "offset outside the range")
    self.offset = offset
  }
}

/// Returns the product of `factors`, or nil if it does not fit or a factor is negative.
func checkedProduct(_ factors: some Sequence<Int>) -> Int? {
  var result = 1
  var hasZero = false
  for factor in factors {
    guard factor >= 0 else { return nil }
    // A zero must not hide that the other factors overflow in some other order.
    if factor == 0 {
      hasZero = true
      continue
    }
    let (product, overflow) = result.multipliedReportingOverflow(by: factor)
    if overflow { return nil }
    result = product
  }
  return hasZero ? 0 : result
}

/// Returns the sum, or nil if it does not fit.
func checkedSum(_ a: Int, _ b: Int) -> Int? {
  let (sum, overflow) = a.addingReportingOverflow(b)
  return overflow ? nil : sum
}
