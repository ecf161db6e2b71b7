// SPDX-License-Identifier: Apache-2.0

/// One file inside a zip archive, as the central directory describes it.
struct ZipEntry: Equatable {
  /// The name, with folders separated by slashes.
  let name: String

  /// Where the local header and the stored bytes lie in the archive.
  let extent: Range<Int>

  /// Where the stored bytes alone lie in the archive.
  let data: Range<Int>

  /// The size that the bytes have once unpacked.
  let size: Int

  /// The compression method: 0 for stored, 8 for deflated.
  let method: UInt16

  /// Whether the bytes are encrypted.
  let isEncrypted: Bool

  /// The CRC-32 of the unpacked bytes, or zero where the writer was told to leave it out.
  let crc32: UInt32

  /// Reads the central directory's record at the cursor, and the local header it points to.
  ///
  /// - Parameter directory: The offset of the central directory, which ends the entries.
  /// - Throws: ``ImportError`` for a record that is cut off or points outside the archive.
  init(_ cursor: inout ByteCursor, directory: Int) throws(ImportError) {
    let file = cursor.file
    let start = cursor.offset
    var record = ByteCursor(file, in: try cursor.take(46, "a zip directory record"))
    let signature = try record.integer(UInt32.self, "a signature")
    guard signature == 0x0201_4B50 else {
      throw .malformed(
        file: file.name, offset: start, expected: "zip directory signature 0x02014b50",
        found: hex(signature))
    }
    _ = try record.take(4, "versions")
    let flags = try record.integer(UInt16.self, "flags")
    method = try record.integer(UInt16.self, "a compression method")
    _ = try record.take(4, "a time")
    crc32 = try record.integer(UInt32.self, "a CRC-32")
    let packedSize32 = try record.integer(UInt32.self, "a size")
    let size32 = try record.integer(UInt32.self, "a size")
    let nameLength = try record.integer(UInt16.self, "a length")
    let extraLength = try record.integer(UInt16.self, "a length")
    let commentLength = try record.integer(UInt16.self, "a length")
    _ = try record.take(8, "attributes")
    let offset32 = try record.integer(UInt32.self, "an offset")

    isEncrypted = flags & 1 != 0
    name = try cursor.string(UInt64(nameLength), "an entry's name")
    let extra = try cursor.take(Int(extraLength), "an entry's extra fields")
    _ = try cursor.take(Int(commentLength), "an entry's comment")

    var wide = [UInt64(size32), UInt64(packedSize32), UInt64(offset32)]
    try Self.widen(&wide, from: ByteCursor(file, in: extra))
    guard let size = Int(exactly: wide[0]), let packedSize = Int(exactly: wide[1]),
      let offset = Int(exactly: wide[2]), offset < directory
    else {
      throw .malformed(
        file: file.name, offset: start, expected: "entry '\(name)' before byte \(directory)",
        found: "\(wide[1]) bytes at \(wide[2])")
    }
    if method == 0, size != packedSize {
      throw .malformed(
        file: file.name, offset: start, expected: "a stored entry '\(name)' of equal sizes",
        found: "sizes \(packedSize) and \(size)")
    }
    self.size = size
    data = try Self.data(
      of: name, at: offset, count: packedSize, in: ByteCursor(file, in: offset..<directory))
    extent = offset..<data.upperBound
  }

  /// Replaces the values that do not fit in 32 bits by those of the zip64 extra field.
  private static func widen(
    _ values: inout [UInt64], from fields: ByteCursor
  ) throws(ImportError) {
    var fields = fields
    guard values.contains(0xFFFF_FFFF) else { return }
    while fields.remaining >= 4 {
      let kind = try fields.integer(UInt16.self, "an extra field's kind")
      let length = try fields.integer(UInt16.self, "an extra field's length")
      let body = try fields.take(Int(length), "an extra field of \(length) bytes")
      guard kind == 1 else { continue }
      var field = ByteCursor(fields.file, in: body)
      for index in values.indices where values[index] == 0xFFFF_FFFF {
        values[index] = try field.integer(UInt64.self, "a zip64 size")
      }
      return
    }
    throw .malformed(
      file: fields.file.name, offset: fields.offset, expected: "a zip64 extra field",
      found: "none")
  }

  /// Reads the local header at the cursor and returns where the entry's bytes lie.
  private static func data(
    of name: String, at start: Int, count: Int, in cursor: ByteCursor
  ) throws(ImportError) -> Range<Int> {
    var cursor = cursor
    let file = cursor.file
    let signature = try cursor.integer(UInt32.self, "the header of '\(name)'")
    guard signature == 0x0403_4B50 else {
      throw .malformed(
        file: file.name, offset: start, expected: "zip header signature 0x04034b50",
        found: hex(signature))
    }
    _ = try cursor.take(22, "the header of '\(name)'")
    let nameLength = try cursor.integer(UInt16.self, "a length")
    let extraLength = try cursor.integer(UInt16.self, "a length")
    let localName = try cursor.string(UInt64(nameLength), "an entry's name")
    guard localName == name else {
      throw .malformed(
        file: file.name, offset: start, expected: "the header of '\(name)'",
        found: "that of '\(localName)'")
    }
    _ = try cursor.take(Int(extraLength), "an entry's extra fields")
    return try cursor.take(count, "\(count) bytes of '\(name)' before the directory")
  }
}
