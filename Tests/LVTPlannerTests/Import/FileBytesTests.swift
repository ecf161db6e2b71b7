// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LVTPlanner

struct FileBytesTests {
  private func fault(_ path: String) -> String? {
    message { () throws(ImportError) in _ = try Checkpoint.read(path: path) }
  }

  @Test func fileThatCannotBeReadIsNamedWithTheReason() throws {
    #expect(
      fault("/nowhere/x.pth") == "/nowhere/x.pth: cannot be read: No such file or directory")
    #expect(fault("/")?.contains("found a directory") == true)
    #expect(fault("/dev/null")?.contains("a pipe or a device") == true)
    let empty = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lvt-\(UUID().uuidString)")
    try Data().write(to: empty)
    defer { try? FileManager.default.removeItem(at: empty) }
    #expect(fault(empty.path)?.hasSuffix("the file is empty") == true)
  }

  @Test func otherFormatIsNamedByItsBytes() {
    #expect(fault(fixturePath("v1.npy"))?.contains("93 4e 55 4d 50 59 01 00") == true)
  }

  @Test func contentDecidesNotTheName() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lvt-\(UUID().uuidString).safetensors")
    try Data(fixture("bare.pth")).write(to: path)
    defer { try? FileManager.default.removeItem(at: path) }
    #expect(try Checkpoint.read(path: path.path).tensors.count == 2)
  }

  @Test func hostileNamesCannotBreakTheLine() {
    let error = ImportError.badTensor(
      file: "f", tensor: "a\nb\u{1B}[2J\u{202E}" + String(repeating: "x", count: 9_999),
      expected: "e", found: "g")
    #expect(error.description.hasPrefix("f: tensor 'a\\u{a}b\\u{1b}[2J\\u{202e}xxx"))
    #expect(error.description.count < 300)
  }
}
