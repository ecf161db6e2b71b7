// SPDX-License-Identifier: Apache-2.0

/// The header of a `.npy` file: a Python dictionary in source form with exactly three members.
struct NumpyHeader: Equatable {
  /// The element type, such as `<f4`.
  let type: String

  /// Whether the first dimension is the fastest.
  let isFortranOrder: Bool

  /// The dimensions; empty for a single value.
  let shape: [Int]

  /// The longest header that is read; NumPy itself stops at 10,000.
  static let maximumByteCount = 10_000

  /// Parses the header in `range`.
  ///
  /// - Throws: ``ImportError`` at the offset where it is not a dictionary of `descr`,
  ///   `fortran_order` and `shape`, once each, in any order.
  init(_ file: FileBytes, in range: Range<Int>) throws(ImportError) {
    guard range.count <= Self.maximumByteCount else {
      throw .limitExceeded(
        file: file.name, offset: range.lowerBound, quantity: "a header of \(range.count) bytes",
        limit: Self.maximumByteCount)
    }
    var scanner = NumpyHeaderScanner(ByteCursor(file, in: range))
    var type: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try scanner.expect("{")
    while !scanner.accept("}") {
      let offset = scanner.offset
      let key = try scanner.string()
      try scanner.expect(":")
      switch key {
      case "descr" where type == nil: type = try scanner.string()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try scanner.bool()
      case "shape" where shape == nil: shape = try scanner.tuple()
      default:
        throw .malformed(
          file: file.name, offset: offset,
          expected: "descr, fortran_order and shape once each", found: "'\(key)'")
      }
      if !scanner.accept(",") {
        try scanner.expect("}")
        break
      }
    }
    try scanner.end()
    guard let type, let isFortranOrder, let shape else {
      throw .malformed(
        file: file.name, offset: range.lowerBound, expected: "descr, fortran_order and shape",
        found: "a header without one of them")
    }
    self.type = type
    self.isFortranOrder = isFortranOrder
    self.shape = shape
  }
}

/// Takes the Python source of a `.npy` header apart.
private struct NumpyHeaderScanner {
  private let text: [UInt8]
  private let file: FileBytes
  private let start: Int
  private var position = 0

  init(_ cursor: ByteCursor) {
    file = cursor.file
    start = cursor.offset
    text = cursor.file.withBytes(in: cursor.offset..<cursor.end) { Array($0) }
  }

  var offset: Int { start + position }

  private var next: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipSpace() {
    while next == 0x20 || next == 0x0A { position += 1 }
  }

  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: Unicode.Scalar) throws(ImportError) {
    guard accept(character) else { throw unexpected("'\(character)'") }
  }

  mutating func end() throws(ImportError) {
    skipSpace()
    guard next == nil else { throw unexpected("the end of the header") }
  }

  mutating func string() throws(ImportError) -> String {
    skipSpace()
    guard let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw unexpected("a string")
    }
    let rest = text[(position + 1)...]
    guard let close = rest.firstIndex(of: quote),
      let value = String(validating: rest[..<close], as: UTF8.self)
    else { throw unexpected("a whole string") }
    position = close + 1
    return value
  }

  mutating func bool() throws(ImportError) -> Bool {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)]
    where text[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw unexpected("True or False")
  }

  /// Reads a tuple of integers, at most as many as a tensor may have dimensions.
  mutating func tuple() throws(ImportError) -> [Int] {
    var result: [Int] = []
    try expect("(")
    while !accept(")") {
      guard result.count < StridedLayout.maximumRank else {
        throw unexpected("at most \(StridedLayout.maximumRank) dimensions")
      }
      result.append(try integer())
      if !accept(",") {
        try expect(")")
        break
      }
    }
    return result
  }

  private mutating func integer() throws(ImportError) -> Int {
    skipSpace()
    let digits = text[position...].prefix { (0x30...0x39).contains($0) }
    guard let value = Int(String(decoding: digits, as: UTF8.self)) else {
      throw unexpected("an integer below 2⁶³")
    }
    position = digits.endIndex
    return value
  }

  private func unexpected(_ expected: String) -> ImportError {
    let found = next.map { (0x21...0x7E).contains($0) ? "'\(Unicode.Scalar($0))'" : "byte \($0)" }
    return .malformed(
      file: file.name, offset: offset, expected: expected, found: found ?? "the end")
  }
}
