// SPDX-License-Identifier: Apache-2.0

/// Reads a `.safetensors` file: the length of a header, the header in JSON, the packed tensors.
enum SafetensorsReader {
  /// The longest header that is read, some 150 000 tensors.
  ///
  /// The format's reference reader takes 100 MB. `JSONDecoder` needs up to 27 bytes of memory for each byte
  /// of a hostile header, so that would be 2.7 GB.
  static let maximumHeaderByteCount = 16 << 20

  /// Reads the tensors in `file`.
  ///
  /// The header is not believed: the tensors' ranges must follow one another without a gap, an
  /// overlap or a rest, exactly to the end of the file, and fit their shapes.
  ///
  /// - Throws: ``ImportError`` if they do not, if the header is not what the format allows, or if a
  ///   tensor has a type that this reader does not know.
  static func read(
    _ file: FileBytes
  ) throws(ImportError) -> [(name: String, tensor: FloatTensor)] {
    var cursor = ByteCursor(file)
    let length = try cursor.integer(UInt64.self, "the length of a safetensors header")
    guard length <= UInt64(maximumHeaderByteCount) else {
      throw .limitExceeded(
        file: file.name, offset: 0, quantity: "a safetensors header of \(length) bytes",
        limit: maximumHeaderByteCount)
    }
    let header = try cursor.take(length, "a safetensors header of \(length) bytes")
    let entries = try SafetensorsHeader.parse(file, in: header)
    try checkRanges(entries, dataCount: cursor.remaining, file: file.name)
    let data = cursor.offset
    var named: [(name: String, tensor: FloatTensor)] = []
    named.reserveCapacity(entries.count)
    for entry in entries {
      let type = try checkedType(of: entry, file: file.name)
      let range = (data + entry.range.lowerBound)..<(data + entry.range.upperBound)
      let values = file.withBytes(in: range) { type.floats(from: $0) }
      named.append((entry.name, FloatTensor(shape: entry.shape, values: values)))
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
