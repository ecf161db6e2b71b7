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
      return try PictureFiles(at: path, kinds: .jpegAndPNM).paths.map { path in
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
      try found([".a.jpg", "a.png", "jpg", "b.jpg.txt", "c.jpg", "jpeg", ".jpg", "d.PGM", "e.ppm"])
        == ["c.jpg", "d.PGM", "e.ppm"])
  }

  @Test func whatIsPassedOverIsCounted() throws {
    try withFolder { folder in
      for name in [
        "a.jpg", "b.webp", "c.WEBP", "d.txt", "README", "e.\u{1B}[2J", "f.averylongending",
        ".hidden",
        ".DS_Store",
      ] {
        try Data().write(to: folder.appendingPathComponent(name))
      }
      func passedOver() throws -> String? {
        try PictureFiles(at: folder.path, kinds: .jpegAndPNM).passedOver
      }
      #expect(try passedOver() == "6 files: 3 other, 2 .webp, 1 .txt")
      for name in ["x", ".git"] {
        try FileManager.default.createDirectory(
          at: folder.appendingPathComponent(name), withIntermediateDirectories: false)
      }
      #expect(try passedOver() == "6 files: 3 other, 2 .webp, 1 .txt; 1 folder")
      for i in 0..<9 { try Data().write(to: folder.appendingPathComponent("a.e\(i)")) }
      #expect(
        try passedOver()
          == "15 files: 3 other, 2 .webp, 1 .e0, 1 .e1, 1 .e2, 7 more; 1 folder")
      try FileManager.default.removeItem(at: folder.appendingPathComponent("a.jpg"))
      #expect(
        throws: CaptureError.noPictures(
          .withPNG, besides: "15 files: 3 other, 2 .webp, 1 .e0, 1 .e1, 1 .e2, 7 more; 1 folder")
      ) { try PictureFiles(at: folder.path, kinds: .withPNG) }
    }
  }

  @Test func aPNGBesideAPictureIsOfItsLabels() throws {
    try withFolder { folder in
      for name in ["a.jpg", "a.png", "B.PPM", "B.png", "b.png", "c.png", "ab.png"] {
        try Data().write(to: folder.appendingPathComponent(name))
      }
      let files = try PictureFiles(at: folder.path, kinds: .withPNG)
      #expect(
        files.paths.map { URL(fileURLWithPath: $0).lastPathComponent }
          == ["a.jpg", "ab.png", "b.png", "B.PPM", "c.png"])
      #expect(files.passedOver == "2 files: 2 .png of pictures beside them")
    }
  }

  @Test func foldersInsideAreLeftOut() throws {
    try withFolder { folder in
      let inner = folder.appendingPathComponent("inner.jpg")
      try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: false)
      try Data().write(to: inner.appendingPathComponent("a.jpg"))
      #expect(throws: CaptureError.noPictures(.jpegAndPNM, besides: "1 folder")) {
        try PictureFiles(at: folder.path, kinds: .jpegAndPNM)
      }
    }
  }

  @Test func filesAreTakenWhateverTheirName() throws {
    #expect(try PictureFiles(at: "/nowhere/x.png", kinds: .jpegAndPNM).paths == ["/nowhere/x.png"])
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
