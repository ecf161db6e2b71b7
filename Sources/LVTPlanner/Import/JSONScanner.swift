// SPDX-License-Identifier: Apache-2.0

/// Takes strict JSON apart, token by token.
///
/// It knows the three tokens that a safetensors header is made of: punctuation, strings and
/// integers that are not negative. Anything else is an error.
struct JSONScanner {
  private var cursor: ByteCursor

  /// Scans all of `cursor`.
  init(_ cursor: ByteCursor) {
    self.cursor = cursor
  }

  /// The offset in the file of the next byte.
  var offset: Int { cursor.offset }

  private var next: UInt8? { cursor.remaining > 0 ? cursor.file[cursor.offset] : nil }

  /// Steps over white space.
  mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      cursor.move(to: cursor.offset + 1)
    }
  }

  /// Steps over white space and then over `character` if it is the next.
  ///
  /// - Returns: Whether it was.
  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    cursor.move(to: cursor.offset + 1)
    return true
  }

  /// Steps over white space and then over `character`, which must be the next.
  mutating func expect(_ character: Unicode.Scalar) throws(ImportError) {
    guard accept(character) else { throw unexpected("'\(character)'") }
  }

  /// Checks that only white space is left.
  mutating func end() throws(ImportError) {
    skipSpace()
    guard next == nil else { throw unexpected("the end of the header") }
  }

  /// Reads an integer from 0 to the largest `Int`, without sign, fraction or leading zero.
  mutating func integer() throws(ImportError) -> Int {
    skipSpace()
    let start = offset
    var value = 0
    while let byte = next, (0x30...0x39).contains(byte) {
      let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, tooLargeToo) = product.addingReportingOverflow(Int(byte - 0x30))
      if tooLarge || tooLargeToo {
        throw malformed("an integer below 2⁶³", found: "a larger one", at: start)
      }
      value = sum
      cursor.move(to: offset + 1)
    }
    let length = offset - start
    guard length > 0 else { throw unexpected("an integer") }
    guard length == 1 || cursor.file[start] != UInt8(ascii: "0") else {
      throw malformed("an integer without a leading zero", found: "one with", at: start)
    }
    if let byte = next, byte == 0x2E || byte | 0x20 == 0x65 { throw unexpected("an integer") }
    return value
  }

  /// Reads a string in quotes.
  mutating func string() throws(ImportError) -> String {
    try expect("\"")
    let start = offset
    var bytes: [UInt8] = []
    while let byte = next {
      cursor.move(to: offset + 1)
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: bytes, as: UTF8.self) else {
          throw malformed("a string in UTF-8", found: "other bytes", at: start)
        }
        return text
      case UInt8(ascii: "\\"):
        bytes.append(contentsOf: String(try escape()).utf8)
      case 0..<0x20:
        throw malformed("an escape for a control character", found: "byte \(byte)", at: offset - 1)
      default:
        bytes.append(byte)
      }
    }
    throw unexpected("the end of a string")
  }

  private mutating func escape() throws(ImportError) -> Unicode.Scalar {
    let start = offset - 1
    switch try cursor.integer(UInt8.self, "an escape") {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try fourDigits()
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // Half of a pair: the other half must follow at once.
      if (0xD800..<0xDC00).contains(unit), next == UInt8(ascii: "\\") {
        cursor.move(to: offset + 1)
        if next == UInt8(ascii: "u") {
          cursor.move(to: offset + 1)
          let low = try fourDigits()
          let value = 0x10000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF))
          if (0xDC00..<0xE000).contains(low), let scalar = Unicode.Scalar(value) { return scalar }
        }
      }
      throw malformed("a whole surrogate pair", found: "half of one", at: start)
    default:
      throw malformed("an escape that JSON has", found: "another", at: start)
    }
  }

  private mutating func fourDigits() throws(ImportError) -> UInt16 {
    var value: UInt16 = 0
    for offset in try cursor.take(4, "four hexadecimal digits") {
      guard let digit = Character(Unicode.Scalar(cursor.file[offset])).hexDigitValue else {
        throw malformed("four hexadecimal digits", found: "another character", at: offset)
      }
      value = value << 4 | UInt16(digit)
    }
    return value
  }

  private func unexpected(_ expected: String) -> ImportError {
    guard let next else {
      return .truncated(
        file: cursor.file.name, offset: offset, expected: expected, available: 0)
    }
    let found =
      (0x21...0x7E).contains(next) ? "'\(Unicode.Scalar(next))'" : "byte \(next)"
    return malformed(expected, found: found, at: offset)
  }

  /// Makes the error for text at `offset` that is not what a header may hold.
  func malformed(_ expected: String, found: String, at offset: Int) -> ImportError {
    .malformed(file: cursor.file.name, offset: offset, expected: expected, found: found)
  }
}
