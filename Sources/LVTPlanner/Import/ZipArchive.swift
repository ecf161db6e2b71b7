// SPDX-License-Identifier: Apache-2.0

import CZlib

/// The entries of a zip archive whose data is stored, not compressed.
///
/// Only the central directory counts, as for every zip reader; local headers are checked against
/// it. Entries that overlap, repeat a name or leave the file are refused before anything is read.
struct ZipArchive {
  /// The archive.
  let file: FileBytes

  /// The entries by name.
  let entries: [String: ZipEntry]

  /// More entries than any checkpoint has by far.
  static let maximumEntryCount = 1_000_000

  /// Reads the directory of `file`.
  ///
  /// - Throws: ``ImportError`` if the archive has no directory (the usual sign of a download that
  ///   was cut off) or one that contradicts itself or the file.
  init(_ file: FileBytes) throws(ImportError) {
    let directory = try ZipDirectory(file)
    guard directory.entryCount <= Self.maximumEntryCount else {
      throw .limitExceeded(
        file: file.name, offset: directory.range.lowerBound,
        quantity: "\(directory.entryCount) zip entries", limit: Self.maximumEntryCount)
    }
    var cursor = ByteCursor(file, in: directory.range)
    var entries: [String: ZipEntry] = [:]
    for _ in 0..<directory.entryCount {
      let start = cursor.offset
      let entry = try ZipEntry(&cursor, directory: directory.range.lowerBound)
      if entries.updateValue(entry, forKey: entry.name) != nil {
        throw .malformed(
          file: file.name, offset: start, expected: "entries with different names",
          found: "'\(entry.name)' twice")
      }
    }
    guard cursor.remaining == 0 else {
      throw .malformed(
        file: file.name, offset: cursor.offset,
        expected: "the end of the zip directory after \(directory.entryCount) entries",
        found: "\(cursor.remaining) more bytes")
    }
    let inOrder = entries.values.sorted { $0.extent.lowerBound < $1.extent.lowerBound }
    for (entry, next) in zip(inOrder, inOrder.dropFirst())
    where entry.extent.upperBound > next.extent.lowerBound {
      throw .malformed(
        file: file.name, offset: next.extent.lowerBound,
        expected: "entry '\(next.name)' after the end of '\(entry.name)'", found: "an overlap")
    }
    self.file = file
    self.entries = entries
  }

  /// Returns where the bytes of the entry called `name` lie, once their CRC-32 was checked.
  ///
  /// A CRC of zero is not checked: that is what a writer leaves that was told to skip it.
  ///
  /// - Throws: ``ImportError/missing(file:expected:found:)`` without such an entry,
  ///   ``ImportError/unsupported(file:offset:feature:advice:)`` if it is compressed or encrypted,
  ///   ``ImportError/checksumMismatch(file:entry:offset:expected:found:)`` if it is damaged.
  func data(of name: String) throws(ImportError) -> Range<Int> {
    guard let entry = entries[name] else {
      throw .missing(
        file: file.name, expected: "zip entry '\(name)'",
        found: "\(entries.count) entries without it")
    }
    guard entry.method == 0, !entry.isEncrypted else {
      throw .unsupported(
        file: file.name, offset: entry.extent.lowerBound,
        feature: entry.isEncrypted
          ? "encrypted entry '\(name)'"
          : "entry '\(name)' with compression method \(entry.method)",
        advice: "torch.save stores its entries as they are; save the checkpoint with it again")
    }
    if entry.crc32 != 0 {
      let found = file.withBytes(in: entry.data) { bytes in
        UInt32(truncatingIfNeeded: crc32_z(0, bytes.baseAddress, bytes.count))
      }
      guard found == entry.crc32 else {
        throw .checksumMismatch(
          file: file.name, entry: name, offset: entry.data.lowerBound, expected: entry.crc32,
          found: found)
      }
    }
    return entry.data
  }
}
