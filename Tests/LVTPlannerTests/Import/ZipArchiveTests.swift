// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LVTPlanner

struct ZipArchiveTests {
  private let entries: [(name: String, data: [UInt8])] = [("a/one", [1, 2, 3]), ("a/two", [4])]

  private func names(_ builder: ZipBuilder) throws(ImportError) -> [String] {
    try ZipArchive(file(builder.build())).entries.keys.sorted()
  }

  @Test(arguments: [false, true]) func storedEntriesAreFound(usesZip64: Bool) throws {
    var builder = ZipBuilder(entries)
    builder.usesZip64 = usesZip64
    builder.comment = Array("a comment with PK\u{5}\u{6} inside".utf8)
    let content = builder.build()
    let archive = try ZipArchive(file(content))
    #expect(try Array(content[archive.data(of: "a/one")]) == [1, 2, 3])
    #expect(try Array(content[archive.data(of: "a/two")]) == [4])
    #expect(message { () throws(ImportError) in _ = try archive.data(of: "a/three") } != nil)
  }

  @Test func repeatedNameIsRejected() {
    let builder = ZipBuilder([("a", [1]), ("a", [2])])
    #expect(
      message { () throws(ImportError) in _ = try names(builder) }?.contains("'a' twice") == true)
  }

  @Test(arguments: [false, true]) func overlappingEntriesAreRejected(usesZip64: Bool) {
    // The last record points at the first entry's header, whose name has the same length.
    var builder = ZipBuilder([("a", [1, 2, 3]), ("b", [4])])
    builder.usesZip64 = usesZip64
    builder.lastOffset = 0
    #expect(message { () throws(ImportError) in _ = try names(builder) }?.contains("'b'") == true)
  }

  @Test func entryInsideAnotherEntryIsRejected() {
    let inner = ZipBuilder([("b", [4])]).build()
    var builder = ZipBuilder([("a", inner), ("b", [4])])
    builder.lastOffset = 31
    #expect(
      message { () throws(ImportError) in _ = try names(builder) }?.contains("overlap") == true)
  }

  @Test(arguments: [1, 1000, UInt64(UInt32.max), UInt64(Int.max), .max - 4] as [UInt64])
  func entryThatLeavesTheFileIsRejected(extraSize: UInt64) {
    for usesZip64 in [false, true] {
      var builder = ZipBuilder([("a", [1, 2, 3])])
      builder.usesZip64 = usesZip64
      builder.extraSize = extraSize
      #expect(message { () throws(ImportError) in _ = try names(builder) } != nil)
    }
  }

  @Test(arguments: [0, 1, 3, 65_535, UInt64(UInt32.max), .max] as [UInt64])
  func wrongEntryCountIsRejected(count: UInt64) {
    for usesZip64 in [false, true] {
      var builder = ZipBuilder(entries)
      builder.usesZip64 = usesZip64
      builder.entryCount = count
      #expect(message { () throws(ImportError) in _ = try names(builder) } != nil)
    }
  }

  @Test func wrongChecksumIsRejectedAndZeroIsNotChecked() throws {
    var builder = ZipBuilder([("a", Array("123456789".utf8))])
    // The check value of CRC-32.
    builder.crc32 = 0xCBF4_3926
    #expect(try ZipArchive(file(builder.build())).data(of: "a").count == 9)
    builder.crc32 = 0
    #expect(try ZipArchive(file(builder.build())).data(of: "a").count == 9)
    builder.crc32 = 0xCBF4_3927
    let archive = try ZipArchive(file(builder.build()))
    #expect(
      message { () throws(ImportError) in _ = try archive.data(of: "a") }
        == "test: at byte 31: 'a' is damaged: expected CRC-32 0xcbf43927, found 0xcbf43926")
  }

  @Test func truncatedArchiveIsRejectedAtEveryLength() {
    var builder = ZipBuilder(entries)
    builder.usesZip64 = true
    expectErrorAtEveryLength(of: builder.build()) { file throws(ImportError) in
      _ = try ZipArchive(file)
    }
  }

  @Test(.timeLimit(.minutes(1))) func damagedArchiveNeverCrashes() {
    for usesZip64 in [false, true] {
      var builder = ZipBuilder(entries)
      builder.usesZip64 = usesZip64
      expectNoCrash(mutating: builder.build(), rounds: 4_000, seed: 1) { file throws(ImportError) in
        let archive = try ZipArchive(file)
        for name in archive.entries.keys { _ = try archive.data(of: name) }
      }
    }
  }
}
