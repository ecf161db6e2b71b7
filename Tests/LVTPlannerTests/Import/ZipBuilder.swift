// SPDX-License-Identifier: Apache-2.0

@testable import LVTPlanner

/// Writes small zip archives, with the freedom to lie in every field that a test is about.
struct ZipBuilder {
  var entries: [(name: String, data: [UInt8])]
  var crc32: UInt32 = 0
  var usesZip64 = false
  var entryCount: UInt64?
  /// Added to the size that each entry's directory record states.
  var extraSize: UInt64 = 0
  /// Replaces the offset of the last entry's local header.
  var lastOffset: UInt64?
  var comment: [UInt8] = []

  init(_ entries: [(name: String, data: [UInt8])]) {
    self.entries = entries
  }

  /// Takes the stored entries of an archive, in the order they lie in it.
  init(unpacking archive: [UInt8]) throws(ImportError) {
    let zip = try ZipArchive(FileBytes(archive, name: "archive"))
    entries = zip.entries.values.sorted { $0.data.lowerBound < $1.data.lowerBound }
      .map { ($0.name, Array(archive[$0.data])) }
  }

  func build() -> [UInt8] {
    var result: [UInt8] = []
    var directory: [UInt8] = []
    for (index, (name, data)) in entries.enumerated() {
      let isLast = index == entries.count - 1
      let offset = isLast ? lastOffset ?? UInt64(result.count) : UInt64(result.count)
      result += bytes(0x0403_4B50 as UInt32) + [UInt8](repeating: 0, count: 22)
      result += bytes(UInt16(name.utf8.count)) + bytes(0 as UInt16) + Array(name.utf8) + data
      directory += record(name, size: UInt64(data.count) + extraSize, offset: offset)
    }
    let start = UInt64(result.count)
    result += directory
    let count = entryCount ?? UInt64(entries.count)
    if usesZip64 {
      let record = UInt64(result.count)
      result += bytes(0x0606_4B50 as UInt32) + bytes(44 as UInt64)
      result += [UInt8](repeating: 0, count: 12) + bytes(count) + bytes(count)
      result += bytes(UInt64(directory.count)) + bytes(start)
      result += bytes(0x0706_4B50 as UInt32) + bytes(0 as UInt32) + bytes(record)
      result += bytes(1 as UInt32)
    }
    result += bytes(0x0605_4B50 as UInt32) + bytes(0 as UInt32)
    let short = usesZip64 ? UInt16.max : UInt16(clamping: count)
    result += bytes(short) + bytes(short)
    result += bytes(usesZip64 ? UInt32.max : UInt32(directory.count))
    result += bytes(usesZip64 ? UInt32.max : UInt32(start))
    return result + bytes(UInt16(comment.count)) + comment
  }

  private func record(_ name: String, size: UInt64, offset: UInt64) -> [UInt8] {
    let extra =
      usesZip64
      ? bytes(1 as UInt16) + bytes(24 as UInt16) + bytes(size) + bytes(size) + bytes(offset) : []
    var result = bytes(0x0201_4B50 as UInt32) + [UInt8](repeating: 0, count: 12)
    result += bytes(crc32)
    let size32 = usesZip64 ? UInt32.max : UInt32(clamping: size)
    result += bytes(size32) + bytes(size32)
    result += bytes(UInt16(name.utf8.count)) + bytes(UInt16(extra.count))
    result += [UInt8](repeating: 0, count: 10)
    result += bytes(usesZip64 ? UInt32.max : UInt32(clamping: offset))
    return result + Array(name.utf8) + extra
  }
}
