// SPDX-License-Identifier: Apache-2.0

import Foundation
import LVTImage
import Testing

@testable import LVTCapture

struct OutputFolderTests {
  /// A folder with empty files of these paths in it.
  private func withFiles<R>(_ paths: [String], _ body: (String) throws -> R) throws -> R {
    try withFolder { folder in
      for path in paths {
        let file = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data().write(to: file)
      }
      return try body(folder.path)
    }
  }

  @Test func fileHasThePicturesNameAndAnotherEnding() throws {
    try withFiles([]) { folder in
      for (slash, written) in [("", "/out/"), ("/", "/out/")] {
        var output = try OutputFolder(path: folder + "/out" + slash, ending: ".pgm", inputs: [])
        for (picture, name) in [
          ("in/cells.jpg", "cells.pgm"), ("in.d/a.b.jpeg", "a.b.pgm"), ("x", "x.pgm"),
          ("/.hidden", ".hidden.pgm"), ("in.d/y", "y.pgm"), ("in/é.ppm", "é.pgm"),
        ] { #expect(try output.place(of: picture) == folder + written + name) }
      }
    }
  }

  @Test func folderIsMadeWhereItIsMissing() throws {
    try withFiles(["file"]) { folder in
      _ = try OutputFolder(path: folder + "/new", ending: ".jpg", inputs: [])
      _ = try OutputFolder(path: folder + "/new", ending: ".jpg", inputs: [])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/new").isEmpty)
      for (path, reason) in [
        ("/file", "Not a directory"), ("/none/new", "No such file or directory"),
      ] {
        #expect(throws: CaptureError.unwritable(reason: reason)) {
          try OutputFolder(path: folder + path, ending: ".jpg", inputs: [])
        }
      }
    }
  }

  @Test func folderOfThePicturesIsRefused() throws {
    try withFiles(["in/a.jpg", "in/deep/b.jpg"]) { folder in
      symlink("in", folder + "/link")
      for input in ["/in", "/in/", "/in/a.jpg", "/link", "/link/a.jpg", "/in/deep/../a.jpg"] {
        for output in ["/in", "/in/", "/link"] {
          #expect(throws: CaptureError.holdsPictures, "\(input) \(output)") {
            try OutputFolder(
              path: folder + output, ending: ".jpg", inputs: ["other.jpg", folder + input])
          }
        }
      }
      _ = try OutputFolder(path: folder + "/in", ending: ".jpg", inputs: [folder + "/in/deep"])
      _ = try OutputFolder(path: folder + "/in/deep", ending: ".jpg", inputs: [folder + "/in"])
    }
  }

  @Test func secondPictureOfANameIsRefused() throws {
    try withFiles(["a/x.jpg", "b/x.jpg", "b/x.ppm", "b/y.jpg"]) { folder in
      var output = try OutputFolder(path: folder + "/out", ending: ".jpg", inputs: [])
      let first = folder + "/a/x.jpg"
      #expect(try output.place(of: first) == folder + "/out/x.jpg")
      for name in ["/b/x.jpg", "/b/x.ppm"] {
        #expect(throws: CaptureError.nameIsTaken(by: first)) {
          try output.place(of: folder + name)
        }
      }
      #expect(try output.place(of: folder + "/b/y.jpg") == folder + "/out/y.jpg")
      // The same picture again.
      #expect(try output.place(of: folder + "/a/../a/x.jpg") == folder + "/out/x.jpg")
      #expect(
        CaptureError.nameIsTaken(by: "a/x.jpg").description
          == "its output would replace that of a/x.jpg; expected pictures of different names")
    }
  }

  @Test func manyNamesAreKeptApart() throws {
    try withFiles([]) { folder in
      var output = try OutputFolder(path: folder, ending: ".pgm", inputs: [])
      let names = (0..<500).map { "\($0 * 7919 % 500)" }
      for name in names { _ = try output.place(of: "a/\(name).jpg") }
      for name in names {
        #expect(throws: CaptureError.nameIsTaken(by: "a/\(name).jpg")) {
          try output.place(of: "b/\(name).jpg")
        }
      }
    }
  }

  @Test func linksToPicturesAreRefused() throws {
    try withFiles(["in/a.jpg", "in/b.jpg", "out/c.jpg"]) { folder in
      symlink("../in/a.jpg", folder + "/out/a.jpg")
      symlink("../in/a.jpg", folder + "/out/b.jpg")
      symlink("../in/none.jpg", folder + "/out/frame-000007.jpg")
      var output = try OutputFolder(
        path: folder + "/out", ending: ".jpg", inputs: [folder + "/in"])
      for name in ["a", "b"] {
        #expect(throws: CaptureError.outputIsLink) {
          try output.place(of: folder + "/in/\(name).jpg")
        }
      }
      #expect(throws: CaptureError.outputIsLink) { try output.place(ofFrame: 7) }
    }
  }

  @Test func framesHaveTheirNumbers() throws {
    try withFiles([]) { folder in
      let output = try OutputFolder(path: folder, ending: ".pgm", inputs: [])
      for (number, name) in [(0, "000000"), (12, "000012"), (1_234_567, "1234567")] {
        #expect(try output.place(ofFrame: number) == folder + "/frame-\(name).pgm")
      }
    }
  }

  // MARK: Files

  @Test func writtenJPEGIsNearlyThePicture() throws {
    try withFolder { folder in
      let path = folder.path + "/a.jpg"
      let image = try Image(width: 37, height: 21)
      image.withPixels { pixels in
        for i in pixels.indices { pixels[i] = UInt8(i % 3 * 60 + i / 3 % 37 * 2 + i / 111 * 3) }
      }
      try JPEGOutput.write(image, path: path)
      let read = try PictureDecoder().read(path: path)
      #expect(read.width == 37 && read.height == 21)
      let error = zip(read.bytes, image.bytes).map { abs(Int($0) - Int($1)) }.max() ?? 0
      #expect(error <= 10)
      // Replaced by a longer one, of more than one piece of the encoder's memory.
      let large = try noise(seed: 1, width: 300, height: 300)
      try JPEGOutput.write(large, path: path)
      #expect(try PictureDecoder().read(path: path).width == 300)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.jpg"])
    }
  }

  @Test func pictureTooLongForAJPEGIsRefused() throws {
    try withFolder { folder in
      let long = try Image(width: 65535, height: 1)
      let error = #expect(throws: CaptureError.self) {
        try JPEGOutput.write(long, path: folder.path + "/a.jpg")
      }
      #expect(error?.description.contains("65500") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDiskIsReported() throws {
    try withFolder { folder in
      let path = folder.path + "/full"
      symlink("/dev/full", path)
      let expected = CaptureError.unwritable(reason: "No space left on device")
      #expect(throws: expected) { try JPEGOutput.write(Image(width: 2, height: 2), path: path) }
      #expect(throws: expected) { try PNMFile.write([1, 2], width: 2, height: 1, path: path) }
    }
  }

  @Test func labelsAreWrittenAsTheyAre() throws {
    try withFolder { folder in
      let path = folder.path + "/a.pgm"
      try PNMFile.write([0, 1, 2, 255, 4, 10], width: 3, height: 2, path: path)
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
      #expect(bytes == Array("P5\n3 2\n255\n".utf8) + [0, 1, 2, 255, 4, 10])
    }
  }
}
