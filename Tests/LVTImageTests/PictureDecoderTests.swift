// SPDX-License-Identifier: Apache-2.0

import Foundation
import LVTImage
import Testing

@testable import LVTCapture

struct PictureDecoderTests {
  /// The error that a file of these bytes meets.
  private func fault(_ bytes: [UInt8]) throws -> CaptureError? {
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.jpg").path
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do throws(CaptureError) { _ = try PictureDecoder().read(path: path) } catch { return error }
      return nil
    }
  }

  @Test func kindIsTheContentsNotTheNames() throws {
    try withFolder { folder in
      let decoder = try PictureDecoder()
      for (name, kind) in [("a.ppm", "420.jpg"), ("b.png", "grey.jpg"), ("c", "444.jpg")] {
        let path = folder.appendingPathComponent(name).path
        try FileManager.default.copyItem(atPath: fixturePath(kind), toPath: path)
        let image = try decoder.read(path: path)
        #expect(image.width == 33 && image.height == 21)
      }
      let path = folder.appendingPathComponent("d.jpg").path
      try Data("P5 2 1 255 \u{1}\u{7F}".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try decoder.read(path: path).bytes == [1, 1, 1, 127, 127, 127])
    }
  }

  @Test(arguments: StreamKindTests.streams.filter { ![.jpeg, .pnm].contains($0.0) })
  func otherFilesAreCalledWhatTheyAre(kind: StreamKind, bytes: [UInt8]) throws {
    let error = try fault(bytes)
    #expect(
      error
        == .wrongPicture(kind, start: hexadecimal(of: bytes.prefix(4)), expected: .jpegAndPNM))
    #expect(
      error?.description.hasPrefix("\(kind.name), expected a JPEG, PPM or PGM") == true)
  }

  @Test func whatIsNotKnownIsShown() throws {
    #expect(try fault([]) == .empty)
    #expect(
      try fault([0x50, 0x4E, 0x47, 1, 2])?.description
        == "no picture: the file starts with 50 4E 47 01, expected a JPEG, PPM or PGM")
    #expect(try fault([0xFF, 0xD8]) == .truncated(reason: "Premature end of JPEG file"))
    #expect(
      try fault([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])?.description
        == "a PNG, expected a JPEG, PPM or PGM; convert it, to JPEG say")
    let decoder = try PictureDecoder()
    #expect(throws: CaptureError.unreadable(reason: "No such file or directory")) {
      try decoder.read(path: fixturePath("none.jpg"))
    }
    #expect(throws: CaptureError.unreadable(reason: "Is a directory")) {
      try decoder.read(path: fixturePath(""))
    }
  }

  @Test func pictureSurvivesAPPM() throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.ppm").path
      let picture = try noise(seed: 8, width: 13, height: 7)
      try PNMFile.write(picture, path: path)
      let read = try PictureDecoder().read(path: path)
      #expect(read.width == 13 && read.height == 7 && read.bytes == picture.bytes)
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      for bytes in [
        Data(), Data("P6".utf8), Data("P5\n2 2\n255\n000".utf8), Data("P5\n1 1\n15\n0".utf8),
        Data("P3\n1 1\n255\n0 0 0".utf8),
        Data("P6\n1 1\n65535\n000000".utf8),
        Data("P6 99999999 1 255 0".utf8), Data("P6 65536 65536 255 0".utf8), whole.dropLast(),
        Data("P6 60000 60000 255 0".utf8),
        Data("P6 1 1 \(String(repeating: "#", count: 5000))".utf8),
      ] {
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(throws: CaptureError.self) { try PictureDecoder().read(path: path) }
      }
      try Data("P6 # a comment\n# another\n1 1 255\nabc".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try PictureDecoder().read(path: path).bytes == Array("abc".utf8))
    }
  }

  @Test func folderPipeAndDeviceAreNoPictures() throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.jpg").path
      #expect(mkfifo(path, 0o600) == 0)
      let reason = "a pipe or a device, expected a file"
      for path in [path, "/dev/zero"] {
        #expect(throws: CaptureError.unreadable(reason: reason)) {
          try PictureDecoder().read(path: path)
        }
      }
    }
  }

  @Test func fileLongerThanAnyPictureIsRefusedUnread() throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.jpg").path
      try Data([0xFF, 0xD8, 0xFF, 0xE0]).write(to: URL(fileURLWithPath: path))
      #expect(truncate(path, 1 << 40) == 0)
      #expect(
        throws: CaptureError.unreadable(
          reason: "1099511627776 bytes, expected at most the 536870910 of a picture")
      ) { try PictureDecoder().read(path: path) }
    }
  }

  private func hexadecimal(of bytes: ArraySlice<UInt8>) -> String {
    bytes.withUnsafeBytes { LVTCapture.hexadecimal($0) }
  }
}
