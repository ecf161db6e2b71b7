// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LVTCapture

struct PictureFilesTests {
  /// The names that are found in a folder of empty files.
  private func found(_ names: [String], slash: Bool = false) throws -> [String] {
    try withFolder { folder in
      for name in names { try Data().write(to: folder.appendingPathComponent(name)) }
      let path = folder.path + (slash ? "/" : "")
      return try PictureFiles.at(path).map { path in
        #expect(path.hasPrefix(folder.path + "/"))
        return String(path.dropFirst(folder.path.count + 1))
      }
    }
  }

  @Test func numbersAreOrderedByValue() throws {
    #expect(
      try found(["10.jpg", "2.jpg", "1.jpg", "a10.jpg", "a9.jpg", "a09b.jpg"])
        == ["1.jpg", "2.jpg", "10.jpg", "a9.jpg", "a09b.jpg", "a10.jpg"])
    #expect(
      try found(["99999999999999999999999.jpg", "100000000000000000000000.jpg"], slash: true)
        == ["99999999999999999999999.jpg", "100000000000000000000000.jpg"])
  }

  @Test func caseDoesNotMatter() throws {
    #expect(
      try found(["B.JPG", "a.jpeg", "c.JpEg", "A2.jpg", "a1.JPG"])
        == ["a.jpeg", "a1.JPG", "A2.jpg", "B.JPG", "c.JpEg"])
  }

  @Test func otherAndHiddenFilesAreLeftOut() throws {
    #expect(
      try found([".a.jpg", "a.png", "jpg", "b.jpg.txt", "c.jpg", "jpeg", ".jpg"]) == ["c.jpg"])
  }

  @Test func foldersInsideAreLeftOut() throws {
    try withFolder { folder in
      let inner = folder.appendingPathComponent("inner.jpg")
      try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: false)
      try Data().write(to: inner.appendingPathComponent("a.jpg"))
      #expect(throws: CaptureError.noPictures) { try PictureFiles.at(folder.path) }
    }
  }

  @Test func filesAreTakenWhateverTheirName() throws {
    #expect(try PictureFiles.at("/nowhere/x.png") == ["/nowhere/x.png"])
  }

  @Test func orderIsTotal() {
    let names = ["a1", "A1", "a01", "a1b", "a", "", "1", "01", "1a", "é", "a1.jpg", "a10", "a2"]
      .map(NaturalName.init)
    for a in names {
      for b in names {
        #expect([a < b, b < a, a == b].count { $0 } == 1, "\(a.text) \(b.text)")
        for c in names where a < b && b < c { #expect(a < c) }
      }
    }
  }
}
