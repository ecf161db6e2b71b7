// SPDX-License-Identifier: Apache-2.0

/// Where a zip archive's central directory lies, from the record at the archive's end.
struct ZipDirectory {
  /// The directory's bytes in the file.
  let range: Range<Int>

  /// The number of records in it, at most as many as fit in ``range``.
  let entryCount: Int

  /// Finds the end record, following it to the zip64 one where there is one.
  ///
  /// - Throws: ``ImportError`` if there is no end record, or if it disagrees with the file.
  init(_ file: FileBytes) throws(ImportError) {
    let end = try Self.endRecord(in: file)
    var cursor = ByteCursor(file, in: end..<file.count)
    _ = try cursor.take(4, "a signature")
    let disk = try cursor.integer(UInt16.self, "a disk number")
    let directoryDisk = try cursor.integer(UInt16.self, "a disk number")
    let countHere = try cursor.integer(UInt16.self, "a count")
    let count = try cursor.integer(UInt16.self, "a count")
    let size = try cursor.integer(UInt32.self, "a size")
    let offset = try cursor.integer(UInt32.self, "an offset")

    var fields = [UInt64(count), UInt64(size), UInt64(offset)]
    var limit = end
    if let wide = try Self.wideRecord(before: end, in: file) {
      fields = wide.fields
      limit = wide.offset
    } else if disk != 0 || directoryDisk != 0 || countHere != count {
      throw .unsupported(
        file: file.name, offset: end, feature: "a zip archive in several parts",
        advice: "join the parts first")
    }
    guard let entryCount = Int(exactly: fields[0]), let size = Int(exactly: fields[1]),
      let offset = Int(exactly: fields[2]), let directoryEnd = checkedSum(offset, size),
      directoryEnd <= limit, entryCount <= size / 46
    else {
      throw .malformed(
        file: file.name, offset: end,
        expected: "a zip directory of \(fields[0]) entries before byte \(limit)",
        found: "\(fields[1]) bytes at \(fields[2])")
    }
    self.entryCount = entryCount
    range = offset..<directoryEnd
  }

  /// Returns the offset of the end record, which only a comment of known length may follow.
  private static func endRecord(in file: FileBytes) throws(ImportError) -> Int {
    let recordSize = 22
    let longestComment = 0xFFFF
    var offset = file.count - recordSize
    let lowest = max(0, offset - longestComment)
    while offset >= lowest {
      defer { offset -= 1 }
      guard file[offset] == 0x50 else { continue }
      var cursor = ByteCursor(file, in: offset..<file.count)
      guard try cursor.integer(UInt32.self, "a signature") == 0x0605_4B50 else { continue }
      _ = try cursor.take(16, "the end record")
      let comment = try cursor.integer(UInt16.self, "a length")
      if Int(comment) == cursor.remaining { return offset }
    }
    throw .malformed(
      file: file.name, offset: file.count, expected: "a zip directory at the end of the file",
      found: "none; the file is cut off or damaged")
  }

  /// Returns the entry count, size and offset of the zip64 end record and where that begins, or
  /// nil if no locator stands before the ordinary end record.
  private static func wideRecord(
    before end: Int, in file: FileBytes
  ) throws(ImportError) -> (fields: [UInt64], offset: Int)? {
    let locatorSize = 20
    guard end >= locatorSize else { return nil }
    var locator = ByteCursor(file, in: (end - locatorSize)..<end)
    guard try locator.integer(UInt32.self, "a signature") == 0x0706_4B50 else { return nil }
    _ = try locator.take(4, "a disk number")
    let stated = try locator.integer(UInt64.self, "an offset")
    guard let offset = Int(exactly: stated), offset <= end - locatorSize else {
      throw .malformed(
        file: file.name, offset: end - locatorSize,
        expected: "a zip64 end record before byte \(end - locatorSize)", found: "one at \(stated)")
    }
    var record = ByteCursor(file, in: offset..<(end - locatorSize))
    let signature = try record.integer(UInt32.self, "a zip64 end record")
    guard signature == 0x0606_4B50 else {
      throw .malformed(
        file: file.name, offset: offset, expected: "zip64 end signature 0x06064b50",
        found: hex(signature))
    }
    _ = try record.take(20, "a zip64 end record")
    let countHere = try record.integer(UInt64.self, "a count")
    let count = try record.integer(UInt64.self, "a count")
    guard countHere == count else {
      throw .unsupported(
        file: file.name, offset: offset, feature: "a zip archive in several parts",
        advice: "join the parts first")
    }
    let size = try record.integer(UInt64.self, "a size")
    let start = try record.integer(UInt64.self, "an offset")
    return ([count, size, start], offset)
  }
}
