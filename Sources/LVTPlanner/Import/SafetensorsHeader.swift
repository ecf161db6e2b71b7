// SPDX-License-Identifier: Apache-2.0

/// One tensor as a safetensors header describes it: a claim, not yet checked against the data.
struct SafetensorsEntry {
  /// The tensor's name, unique in its file.
  let name: String

  /// The element type, such as `F32`.
  let type: String

  /// The dimensions, none negative.
  let shape: [Int]

  /// Where the data lies, relative to the end of the header; the start is not after the end.
  let range: Range<Int>
}

/// Parses a safetensors header.
///
/// The header is one JSON object with a fixed structure, so this accepts just that structure: it
/// cannot nest, and a repeated name or member, which JSON parsers usually let pass, is an error.
struct SafetensorsHeader {
  private var json: JSONScanner

  /// Parses the header that is all of `cursor`.
  ///
  /// - Throws: ``ImportError`` at the offset where the header stops being a legal one.
  static func parse(_ cursor: ByteCursor) throws(ImportError) -> [SafetensorsEntry] {
    var header = SafetensorsHeader(json: JSONScanner(cursor))
    var entries: [SafetensorsEntry] = []
    var names: Set<String> = []
    try header.members { header, name, offset throws(ImportError) in
      guard names.insert(name).inserted else {
        throw header.json.malformed("names that differ", found: "'\(name)' twice", at: offset)
      }
      if name == "__metadata__" {
        try header.metadata()
      } else {
        entries.append(try header.entry(named: name))
      }
    }
    try header.json.end()
    return entries
  }

  private init(json: JSONScanner) {
    self.json = json
  }

  /// Parses an object, calling `member` with each name, before its value.
  private mutating func members(
    _ member: (inout Self, String, Int) throws(ImportError) -> Void
  ) throws(ImportError) {
    try json.expect("{")
    if json.accept("}") { return }
    repeat {
      json.skipSpace()
      let offset = json.offset
      let name = try json.string()
      try json.expect(":")
      try member(&self, name, offset)
    } while json.accept(",")
    try json.expect("}")
  }

  private mutating func metadata() throws(ImportError) {
    try members { header, _, _ throws(ImportError) in _ = try header.json.string() }
  }

  private mutating func entry(named name: String) throws(ImportError) -> SafetensorsEntry {
    let start = json.offset
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?
    try members { header, member, offset throws(ImportError) in
      switch member {
      case "dtype" where type == nil:
        type = try header.json.string()
      case "shape" where shape == nil:
        shape = try header.integers(atMost: StridedLayout.maximumRank)
      case "data_offsets" where offsets == nil:
        offsets = try header.integers(atMost: 2)
      default:
        throw header.json.malformed(
          "dtype, shape and data_offsets once each", found: "'\(member)' in '\(name)'", at: offset)
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
      throw json.malformed(
        "a dtype, a shape and two data_offsets in order for '\(name)'",
        found: "dtype \(type ?? "none"), shape \(shape ?? []), data_offsets \(offsets ?? [])",
        at: start)
    }
    return SafetensorsEntry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
  }

  private mutating func integers(atMost limit: Int) throws(ImportError) -> [Int] {
    var result: [Int] = []
    try json.expect("[")
    if json.accept("]") { return result }
    repeat {
      guard result.count < limit else {
        throw json.malformed("at most \(limit) numbers", found: "more", at: json.offset)
      }
      result.append(try json.integer())
    } while json.accept(",")
    try json.expect("]")
    return result
  }
}
