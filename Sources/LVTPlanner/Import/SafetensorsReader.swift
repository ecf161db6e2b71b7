// SPDX-License-Identifier: Apache-2.0

/// Reads a `.safetensors` file: the length of a header, the header in JSON, the packed tensors.
struct SafetensorsReader {
  /// The longest header that is read, some 150 000 tensors.
  ///
  /// The format's reference reader takes 100 MB. `JSONDecoder` needs up to 27 bytes of memory for each byte
  /// of a hostile header, so that would be 2.7 GB.
  static let maximumHeaderByteCount = 16 << 20

  /// What the header says of the tensors, by name.
  let entries: [SafetensorsEntry]

  private let file: FileBytes
  /// The offset of the data in the file.
  private let data: Int

  /// Whether a file that starts so is one: the header's brace follows eight bytes of length.
  static func isOne(start: [UInt8]) -> Bool { start.count >= 9 && start[8] == UInt8(ascii: "{") }

  /// Reads the header of `file`.
  ///
  /// The header is not believed: the tensors' ranges must follow one another without a gap, an
  /// overlap or a rest, exactly to the end of the file.
  ///
  /// - Throws: ``ImportError`` if they do not, or if the header is not what the format allows.
  init(_ file: FileBytes) throws(ImportError) {
    var cursor = ByteCursor(file)
    let length = try cursor.integer(UInt64.self, "the length of a safetensors header")
    guard length <= UInt64(Self.maximumHeaderByteCount) else {
      throw .limitExceeded(
        file: file.name, offset: 0, quantity: "a safetensors header of \(length) bytes",
        limit: Self.maximumHeaderByteCount)
    }
    let header = try cursor.take(length, "a safetensors header of \(length) bytes")
    entries = try SafetensorsHeader.parse(file, in: header)
    try Self.checkRanges(entries, dataCount: cursor.remaining, file: file.name)
    self.file = file
    data = cursor.offset
  }

  /// Reads a tensor.
  ///
  /// - Parameter entry: One of ``entries``.
  /// - Throws: ``ImportError`` if its type is not known, or its shape does not fit its range.
  func tensor(_ entry: SafetensorsEntry) throws(ImportError) -> FloatTensor {
    let type = try Self.checkedType(of: entry, file: file.name)
    let range = (data + entry.range.lowerBound)..<(data + entry.range.upperBound)
    return FloatTensor(
      shape: entry.shape, values: file.withBytes(in: range) { type.floats(from: $0) })
  }

  /// Reads the tensors whose names are wanted, by default all.
  ///
  /// - Throws: ``ImportError`` if one of them cannot be read.
  func tensors(
    where isWanted: (String) -> Bool = { _ in true }
  ) throws(ImportError) -> [(name: String, tensor: FloatTensor)] {
    var named: [(name: String, tensor: FloatTensor)] = []
    for entry in entries where isWanted(entry.name) {
      named.append((entry.name, try tensor(entry)))
    }
    return named
  }

  /// Checks that the ranges tile the data.
  private static func checkRanges(
    _ entries: [SafetensorsEntry], dataCount: Int, file: String
  ) throws(ImportError) {
    let inOrder = entries.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    var end = 0
    for entry in inOrder {
      guard entry.range.lowerBound == end, entry.range.upperBound <= dataCount else {
        throw .badTensor(
          file: file, tensor: entry.name,
          expected: "data from byte \(end) to at most \(dataCount) of the data",
          found: "\(entry.range.lowerBound) to \(entry.range.upperBound)")
      }
      end = entry.range.upperBound
    }
    guard end == dataCount else {
      throw .missing(
        file: file, expected: "tensors for all \(dataCount) bytes of data",
        found: "tensors for \(end)")
    }
  }

  /// Returns the element type of an entry once its shape fits its range.
  private static func checkedType(
    of entry: SafetensorsEntry, file: String
  ) throws(ImportError) -> StoredType {
    guard let type = StoredType(safetensors: entry.type) else {
      throw .badTensor(
        file: file, tensor: entry.name, expected: "real or integer elements",
        found: "type '\(entry.type)'")
    }
    guard let count = checkedProduct(entry.shape),
      let byteCount = checkedProduct([count, type.byteCount]), byteCount == entry.range.count
    else {
      throw .badTensor(
        file: file, tensor: entry.name,
        expected: "as many bytes as shape \(entry.shape) of \(entry.type) takes",
        found: "\(entry.range.count)")
    }
    return type
  }
}

extension StoredType {
  /// The type that a safetensors header calls `name`, or nil for 8-bit floats and wide unsigned.
  init?(safetensors name: String) {
    switch name {
    case "F64": self = .float64
    case "F32": self = .float32
    case "F16": self = .float16
    case "BF16": self = .bfloat16
    case "I64": self = .int64
    case "I32": self = .int32
    case "I16": self = .int16
    case "I8": self = .int8
    case "U8": self = .uint8
    case "BOOL": self = .bool
    default: return nil
    }
  }
}
