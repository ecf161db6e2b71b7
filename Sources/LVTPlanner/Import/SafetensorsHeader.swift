// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// One tensor as a safetensors header describes it: a claim, not yet checked against the data.
struct SafetensorsEntry {
  /// The tensor's name, unique in its file.
  let name: String

  /// The element type, such as `F32`.
  let type: String

  /// The dimensions, at most as many as a tensor may have.
  let shape: [Int]

  /// Where the data lies, relative to the end of the header; neither negative nor backwards.
  let range: Range<Int>
}

/// Parses a safetensors header: a JSON object with a member for each tensor, and perhaps one of metadata.
enum SafetensorsHeader {
  private struct Members: Decodable {
    let dtype: String
    let shape: [Int]
    let data_offsets: [Int]

    /// Of the members' names, and of the type.
    static let stringCount = 4
  }

  private enum Value: Decodable {
    case metadata([String: String])
    case tensor(Members)

    init(from decoder: any Decoder) throws {
      if decoder.codingPath.last?.stringValue == "__metadata__" {
        self = .metadata(try [String: String](from: decoder))
      } else {
        self = .tensor(try Members(from: decoder))
      }
    }

    var stringCount: Int {
      switch self {
      case .metadata(let texts): 2 * texts.count
      case .tensor: Members.stringCount
      }
    }
  }

  /// Parses the header that is `range` of a file.
  ///
  /// - Returns: What it says of the tensors, by name.
  /// - Throws: ``ImportError`` if it is not a legal one.
  static func parse(
    _ file: FileBytes, in range: Range<Int>
  ) throws(ImportError) -> [SafetensorsEntry] {
    func malformed(_ expected: String, _ found: String) -> ImportError {
      .malformed(
        file: file.name, offset: range.lowerBound, expected: expected, found: found)
    }
    let (json, stringCount) = file.withBytes(in: range) { (Data($0), Self.stringCount($0)) }
    // In UTF-16 and UTF-32, which the decoder takes as well, strings could not be counted.
    guard !json.contains(0) else {
      throw malformed("a safetensors header in UTF-8", "one with a byte of 0")
    }
    let values: [String: Value]
    do { values = try JSONDecoder().decode([String: Value].self, from: json) } catch {
      throw malformed("a safetensors header", "a fault in it: \(faultInJSON(error))")
    }
    // Of two members with one name the decoder drops one without a word, and a member that is not
    // known altogether. Whatever was dropped had at least its name, which is a string.
    let used = values.reduce(0) { $0 + 1 + $1.value.stringCount }
    guard stringCount == used else {
      throw malformed(
        "names that differ, each with a dtype, a shape and data_offsets once",
        "some repeated or unknown: \(stringCount) strings where \(values.count) members take \(used)"
      )
    }
    var entries: [SafetensorsEntry] = []
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard case .tensor(let members) = value else { continue }
      entries.append(try entry(name, members, file: file.name))
    }
    return entries
  }

  /// How many strings a JSON text has: a quote begins or ends one unless it is escaped.
  private static func stringCount(_ json: UnsafeRawBufferPointer) -> Int {
    var quotes = 0
    var isEscaped = false
    for byte in json {
      if byte == UInt8(ascii: "\""), !isEscaped { quotes += 1 }
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
    }
    return quotes / 2
  }

  private static func entry(
    _ name: String, _ members: Members, file: String
  ) throws(ImportError) -> SafetensorsEntry {
    let offsets = members.data_offsets
    guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else {
      throw .badTensor(
        file: file, tensor: name, expected: "two data_offsets in order",
        found: "\(offsets.prefix(3))")
    }
    guard members.shape.count <= StridedLayout.maximumRank else {
      throw .badTensor(
        file: file, tensor: name, expected: "at most \(StridedLayout.maximumRank) dimensions",
        found: "\(members.shape.count)")
    }
    return SafetensorsEntry(
      name: name, type: members.dtype, shape: members.shape, range: offsets[0]..<offsets[1])
  }
}
