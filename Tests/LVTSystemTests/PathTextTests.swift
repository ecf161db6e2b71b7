// SPDX-License-Identifier: Apache-2.0
import CLVTSystem
import Foundation
import LVT
import Testing

/// File names of any bytes as Swift's strings, and back.
@Suite struct PathTextTests {
  private func text(_ bytes: [UInt8]) -> String {
    (bytes + [0]).withUnsafeBufferPointer { buffer in
      buffer.withMemoryRebound(to: CChar.self) { buffer in
        buffer.baseAddress.map(pathText) ?? ""
      }
    }
  }

  @Test func validNamesAreThemselves() {
    for name in ["", "a.jpg", "Füße/日本.jpg", "👍\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FF7F}"] {
      #expect(text(Array(name.utf8)) == name)
    }
  }

  @Test func otherBytesAreCharactersThatStandForThem() {
    #expect(text([0x61, 0xFF, 0x62]) == "a\u{10FFFF}b")
    #expect(text([0x80]) == "\u{10FF80}")
    // Cut, overlong, a surrogate, above the last character, and what stands for a byte.
    for bytes: [UInt8] in [
      [0xC3], [0xE3, 0x81], [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF4, 0x8F, 0xBE, 0x80],
      [0xF4, 0x8F, 0xBF, 0xBF],
    ] {
      #expect(text(bytes).unicodeScalars.map(\.value) == bytes.map { 0x10FF00 + UInt32($0) })
    }
  }

  @Test func lengthIsToldWhateverTheRoom() {
    var buffer = [CChar](repeating: 77, count: 4)
    #expect(lvt_path_text("abc", &buffer, 4) == 3)
    #expect(buffer == [97, 98, 99, 0])
    buffer = [CChar](repeating: 77, count: 4)
    #expect(lvt_path_text("abcdef", &buffer, 4) == 6)
    #expect(buffer[3] == 77)
    #expect(lvt_path_text("\u{FF}", nil, 0) == 2)
  }

  @Test func filesAreFoundByTheTextOfTheirNames() throws {
    let folder = NSTemporaryDirectory() + "lvt-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // All bytes that a name can have, and some that look like characters.
    let names: [[UInt8]] = [
      (1...255).filter { $0 != 0x2F }, [0xF4, 0x8F, 0xBF, 0xBF], [0xFF], Array("ü".utf8),
    ]
    for name in names {
      let path = folder + "/" + text(name)
      #expect(lvt_write_file(path, "content", 7, nil, 0) == 0)
      #expect(lvt_file_kind_of(path) == LVT_FILE_REGULAR)
      var bytes = [UInt8](repeating: 0, count: 20)
      #expect(lvt_read_start(path, &bytes, bytes.count) == 7)
    }
    var error: Int32 = 0
    let opened = try #require(lvt_folder_open(folder, &error))
    defer { lvt_folder_close(opened) }
    var found: Set<String> = []
    while let name = lvt_folder_next(opened) { found.insert(String(cString: name)) }
    #expect(found == Set(names.map(text)))
  }

  @Test func terminalShowsTheBytes() {
    #expect(terminalText(text([0x61, 0xFF, 0x80])) == #"a\xff\x80"#)
  }
}
