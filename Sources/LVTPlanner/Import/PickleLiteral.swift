// SPDX-License-Identifier: Apache-2.0

/// Reads the values that a pickle writes out in full: numbers and text.
struct PickleLiteral {
  /// Where the instruction's argument is read from; behind it afterwards.
  var cursor: ByteCursor

  /// The offset of the instruction, for errors.
  let start: Int

  /// Reads the argument of `opcode`, which must be one that pushes a literal.
  ///
  /// - Throws: ``ImportError`` if the argument is cut off or is not a number or text as it should.
  mutating func read(_ opcode: PickleOpcode) throws(ImportError) -> PickleValue {
    switch opcode {
    case .none: return .none
    case .newTrue: return .bool(true)
    case .newFalse: return .bool(false)
    case .int: return try decimalInteger()
    case .long: return try decimalInteger()
    case .binInt: return .integer(Int64(try cursor.integer(Int32.self, "an integer")))
    case .binInt1: return .integer(Int64(try cursor.integer(UInt8.self, "an integer")))
    case .binInt2: return .integer(Int64(try cursor.integer(UInt16.self, "an integer")))
    case .long1: return try integer(UInt64(try cursor.integer(UInt8.self, "a length")))
    case .long4: return try integer(UInt64(try cursor.integer(UInt32.self, "a length")))
    case .float:
      let text = try line("a float")
      guard let value = Double(text) else { throw malformed("a float", found: "'\(text)'") }
      return .float(value)
    case .binFloat:
      // The one big-endian value of the format.
      return .float(
        Double(bitPattern: try cursor.integer(UInt64.self, "a float").byteSwapped))
    case .string: return try quotedText()
    case .binString: return try bytes(UInt64(try cursor.integer(UInt32.self, "a length")))
    case .shortBinString: return try bytes(UInt64(try cursor.integer(UInt8.self, "a length")))
    case .unicode: return .string(try line("text"))
    case .binUnicode: return try text(UInt64(try cursor.integer(UInt32.self, "a length")))
    case .shortBinUnicode: return try text(UInt64(try cursor.integer(UInt8.self, "a length")))
    case .binUnicode8: return try text(try cursor.integer(UInt64.self, "a length"))
    case .binBytes: return try skip(UInt64(try cursor.integer(UInt32.self, "a length")))
    case .shortBinBytes: return try skip(UInt64(try cursor.integer(UInt8.self, "a length")))
    case .binBytes8, .byteArray8: return try skip(try cursor.integer(UInt64.self, "a length"))
    default: preconditionFailure("\(opcode) pushes no literal")
    }
  }

  /// Reads text up to the next line feed.
  mutating func line(_ what: String) throws(ImportError) -> String {
    let range = try cursor.line(what)
    guard let text = cursor.file.withBytes(in: range, { String(validating: $0, as: UTF8.self) })
    else { throw malformed("\(what) in UTF-8", found: "other bytes") }
    return text
  }

  private mutating func decimalInteger() throws(ImportError) -> PickleValue {
    var text = try line("an integer")
    // Protocol 0 spells the two truth values as integers with a leading zero.
    if text == "00" { return .bool(false) }
    if text == "01" { return .bool(true) }
    if text.hasSuffix("L") { text.removeLast() }
    if let value = Int64(text) { return .integer(value) }
    let digits = text.first == "-" ? text.dropFirst() : text[...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw malformed("an integer", found: "'\(text)'")
    }
    return .opaque
  }

  private mutating func integer(_ length: UInt64) throws(ImportError) -> PickleValue {
    let range = try cursor.take(length, "an integer of \(length) bytes")
    guard length <= 8 else { return .opaque }
    var bits: UInt64 = 0
    for (position, offset) in range.enumerated() {
      bits |= UInt64(cursor.file[offset]) << UInt64(8 * position)
    }
    if length == 0 { return .integer(0) }
    let unused = 64 - 8 * Int64(length)
    return .integer(Int64(bitPattern: bits << unused) >> unused)
  }

  private mutating func quotedText() throws(ImportError) -> PickleValue {
    let text = try line("a quoted string")
    guard text.utf8.count >= 2, let quote = text.first, quote == "'" || quote == "\"",
      text.last == quote
    else { throw malformed("a quoted string", found: "'\(text.prefix(40))'") }
    let inner = text.dropFirst().dropLast()
    // Escapes only appear in text that no tensor's name has.
    return inner.contains("\\") ? .opaque : .string(String(inner))
  }

  /// Python 2's byte strings: text where they are ASCII, of no use otherwise.
  private mutating func bytes(_ length: UInt64) throws(ImportError) -> PickleValue {
    let range = try cursor.take(length, "a string of \(length) bytes")
    return cursor.file.withBytes(in: range) { bytes in
      guard bytes.allSatisfy({ $0 < 0x80 }) else { return .opaque }
      return .string(String(decoding: bytes, as: UTF8.self))
    }
  }

  private mutating func text(_ length: UInt64) throws(ImportError) -> PickleValue {
    // Python writes lone surrogates as bytes that are not UTF-8; no tensor is called that.
    let range = try cursor.take(length, "a string of \(length) bytes")
    return cursor.file.withBytes(in: range) { bytes in
      String(validating: bytes, as: UTF8.self).map(PickleValue.string) ?? .opaque
    }
  }

  private mutating func skip(_ length: UInt64) throws(ImportError) -> PickleValue {
    _ = try cursor.take(length, "\(length) bytes")
    return .opaque
  }

  private func malformed(_ expected: String, found: String) -> ImportError {
    .malformed(file: cursor.file.name, offset: start, expected: expected, found: found)
  }
}
