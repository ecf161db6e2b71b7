// SPDX-License-Identifier: Apache-2.0

/// Goes through the elements and texts of an XML file in UTF-8, one at a time.
///
/// It is for files that hold data: attributes are passed over, and a document type, which could declare
/// entities, is refused. FoundationXML would end the program at a name that is no UTF-8.
struct XMLScanner {
  /// What comes next in a file.
  enum Event: Equatable {
    /// An element begins.
    case start(String)
    /// Text inside an element, perhaps a part of it.
    case text(String)
    /// The innermost element ends.
    case end
  }

  /// How deep elements may lie in others.
  static let mostDepth = 20

  private let file: String
  private let bytes: [UInt8]
  private var offset = 0
  /// Names of the elements that are open.
  private var open: [String] = []
  private var hasRoot = false
  /// Whether the innermost element, written `<a/>`, ends next.
  private var endsNext = false

  /// A scanner at the start of a file.
  ///
  /// - Throws: ``ImportError`` if the file is no UTF-8.
  init(_ file: FileBytes) throws(ImportError) {
    self.file = file.name
    bytes = file.withBytes(in: 0..<file.count) { Array($0) }
    guard String(validating: bytes, as: UTF8.self) != nil, !bytes.contains(0) else {
      throw .unknownFormat(file: file.name, expected: "XML in UTF-8", found: "other bytes")
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
  }

  /// What comes next; nil at the end of the file.
  ///
  /// - Throws: ``ImportError`` if the file is not well-formed here.
  mutating func next() throws(ImportError) -> Event? {
    if endsNext {
      endsNext = false
      open.removeLast()
      return .end
    }
    while offset < bytes.count {
      if skip("<!--") {
        _ = try take(to: "-->")
      } else if skip("<?") {
        _ = try take(to: "?>")
      } else if !open.isEmpty, skip("<![CDATA[") {
        return .text(String(decoding: try take(to: "]]>"), as: UTF8.self))
      } else if skip("</") {
        return try end()
      } else if skip("<") {
        return try start()
      } else {
        let first = offset
        offset = bytes[offset...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
        if !open.isEmpty { return .text(try text(of: first..<offset)) }
        guard bytes[first..<offset].allSatisfy(Self.isSpace) else {
          throw malformed("an element", at: first)
        }
      }
    }
    guard open.isEmpty, hasRoot else {
      throw .truncated(
        file: file, offset: 0, expected: open.last.map { "the end of '\($0)'" } ?? "an element",
        available: bytes.count)
    }
    return nil
  }

  private mutating func start() throws(ImportError) -> Event {
    let name = try name()
    guard !open.isEmpty || !hasRoot else { throw malformed("one outermost element", at: offset) }
    guard open.count < Self.mostDepth else {
      throw .limitExceeded(
        file: file, offset: offset, quantity: "the depth of elements", limit: Self.mostDepth)
    }
    hasRoot = true
    open.append(name)
    while offset < bytes.count {
      let byte = bytes[offset]
      if skip("/>") {
        endsNext = true
        return .start(name)
      }
      offset += 1
      switch byte {
      case UInt8(ascii: ">"): return .start(name)
      case UInt8(ascii: "\""): _ = try take(to: "\"")
      case UInt8(ascii: "'"): _ = try take(to: "'")
      case UInt8(ascii: "<"): throw malformed("the end of a tag", at: offset - 1)
      default: break
      }
    }
    throw malformed("the end of a tag", at: offset)
  }

  private mutating func end() throws(ImportError) -> Event {
    let first = offset
    let name = try name()
    guard name == open.last, try take(to: ">").allSatisfy(Self.isSpace) else {
      throw malformed(open.last.map { "the end of '\($0)'" } ?? "no end of an element", at: first)
    }
    open.removeLast()
    return .end
  }

  private mutating func name() throws(ImportError) -> String {
    let first = offset
    while offset < bytes.count, !Self.isSpace(bytes[offset]),
      !"/>".utf8.contains(bytes[offset])
    {
      offset += 1
    }
    // Of what cannot begin a name "!" is a document type.
    guard first < offset, bytes[first..<offset].allSatisfy({ !"<!?&='\"".utf8.contains($0) }) else {
      throw malformed("the name of an element", at: first)
    }
    return String(decoding: bytes[first..<offset], as: UTF8.self)
  }

  private func text(of range: Range<Int>) throws(ImportError) -> String {
    let pieces = bytes[range].split(
      separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
    var text = String(decoding: pieces[0], as: UTF8.self)
    for piece in pieces.dropFirst() {
      guard let end = piece.firstIndex(of: UInt8(ascii: ";")),
        let character = Self.character(String(decoding: piece[..<end], as: UTF8.self))
      else { throw malformed("a character such as &amp; or &#38;", at: piece.startIndex - 1) }
      text.unicodeScalars.append(character)
      text += String(decoding: piece[(end + 1)...], as: UTF8.self)
    }
    return text
  }

  /// The character that stands between `&` and `;`.
  private static func character(_ name: String) -> Unicode.Scalar? {
    let named: [String: Unicode.Scalar] = [
      "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'",
    ]
    if let character = named[name] { return character }
    let number =
      name.hasPrefix("#x")
      ? UInt32(name.dropFirst(2), radix: 16)
      : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
    return number.flatMap { $0 == 0 ? nil : Unicode.Scalar($0) }
  }

  private mutating func skip(_ token: String) -> Bool {
    guard bytes[offset...].starts(with: token.utf8) else { return false }
    offset += token.utf8.count
    return true
  }

  /// The bytes before the next `token`, which is passed over too.
  private mutating func take(to token: String) throws(ImportError) -> ArraySlice<UInt8> {
    let first = offset
    while offset < bytes.count {
      if skip(token) { return bytes[first..<(offset - token.utf8.count)] }
      offset += 1
    }
    throw malformed("'\(token)' to come", at: first)
  }

  private func malformed(_ expected: String, at offset: Int) -> ImportError {
    let found = String(decoding: bytes[offset...].prefix(20), as: UTF8.self)
    return .malformed(
      file: file, offset: offset, expected: expected,
      found: found.isEmpty ? "the end of the file" : "'\(found)'")
  }

  private static func isSpace(_ byte: UInt8) -> Bool { " \t\r\n".utf8.contains(byte) }
}
