// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTCapture
import LVTImage
import LVTModel
import LVTTestSupport
import Testing

@testable import LVTPlanner

@Suite struct PNGPictureTests {
  /// What PIL makes of PNGs, as `Tests/Fixtures/image/make.py` wrote it.
  private static let cases: [(file: String, size: [Int], hash: String)] = {
    let text = try? String(contentsOfFile: fixtures + "/image/png.txt", encoding: .utf8)
    return (text ?? "").split(separator: "\n").map { line in
      let words = line.split(separator: " ").map(String.init)
      return (words[0], words[1...2].compactMap { Int($0) }, words[3])
    }
  }()

  @Test func pixelsArePILs() throws {
    let decoder = try PictureDecoder(png: PNGPicture.decode)
    #expect(Self.cases.count > 40)
    for (file, size, hash) in Self.cases {
      let image = try decoder.read(path: "\(fixtures)/\(file)")
      #expect([image.width, image.height] == size, "\(file)")
      let found = image.withPixels { pixels in
        pixels.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
      }
      #expect(found == UInt64(hash, radix: 16), "\(file)")
    }
  }

  @Test func exifIsLeftAloneWhereItIsToBe() throws {
    let decoder = try PictureDecoder(orientation: .ignore, png: PNGPicture.decode)
    let image = try decoder.read(path: fixtures + "/image/exif-8.png")
    #expect(image.width == 13 && image.height == 9)
  }

  /// The reason why bytes are refused.
  private func fault(_ bytes: [UInt8]) -> String? {
    bytes.withUnsafeBytes { bytes in
      do throws(CaptureError) {
        _ = try PNGPicture.decode(bytes)
        return nil
      } catch { return error.description }
    }
  }

  @Test(arguments: ["rgb16-interlaced", "palette8-short"])
  func cutOffAndDamagedFilesAreRefused(name: String) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/image/\(name).png")))
    for length in 0..<bytes.count {
      #expect(fault(Array(bytes[..<length])) != nil, "\(length) bytes")
    }
    var damaged = bytes
    damaged[bytes.count - 20] ^= 0xFF
    #expect(fault(damaged)?.hasPrefix("a PNG that cannot be read: ") == true)
  }

  @Test func claimsOfManyPixelsAreRefused() throws {
    let many = try Data(
      contentsOf: URL(fileURLWithPath: fixtures + "/evaluate/labels/few-bytes.png"))
    #expect(fault([UInt8](many))?.hasSuffix("it has more than 178956970 pixels") == true)
    // The header of 10000 × 10000 pixels, and the start of their data.
    let header: [UInt8] = [
      0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49,
      0x48, 0x44, 0x52, 0x00, 0x00, 0x27, 0x10, 0x00, 0x00, 0x27, 0x10, 0x08, 0x02,
      0x00, 0x00, 0x00, 0x35, 0x2C, 0xF5, 0x70, 0x00, 0x00, 0x00, 0x00, 0x49, 0x44,
      0x41, 0x54,
    ]
    #expect(fault(header)?.hasSuffix("too few bytes for a picture of its size") == true)
  }

  // MARK: Folders

  /// A folder of folders with so many pictures each, and what the loader takes of it.
  private func taken(_ counts: [(folder: String, pictures: Int)], limit: Int) throws -> [String] {
    let top = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lvt-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: top) }
    let png = try Data(contentsOf: URL(fileURLWithPath: fixtures + "/image/rgb8.png"))
    for (name, count) in counts {
      let folder = top.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for i in 0..<count { try png.write(to: folder.appendingPathComponent("\(i).png")) }
      try Data().write(to: folder.appendingPathComponent("notes.txt"))
    }
    var paths: [String] = [], besides: [String] = []
    let pictures = try PictureLoader(InputSpec(width: 8, height: 8)).load(
      folder: top.path, limit: limit, loaded: { paths.append($0) },
      passedOver: { besides.append($0) },
      skipped: { Issue.record("\($0)") })
    #expect(pictures.count == paths.count)
    #expect(besides == ["\(counts.count) files: \(counts.count) .txt"])
    return paths.map { String($0.dropFirst(top.path.count + 1)) }
  }

  @Test func calibrationTakesOfAllClassesEvenly() throws {
    #expect(
      try taken([("cat", 6), ("dog", 1), ("owl", 4)], limit: 7)
        == [
          "cat/0.png", "cat/2.png", "cat/4.png", "dog/0.png", "owl/0.png", "owl/1.png", "owl/2.png",
        ])
    #expect(
      try taken([("a", 2), ("b", 2), ("c", 2), ("d", 2)], limit: 2) == ["a/0.png", "c/0.png"])
    #expect(try taken([("a", 1), ("b", 2)], limit: 100) == ["a/0.png", "b/0.png", "b/1.png"])
  }

  @Test func folderOfNothingIsSaidSo() throws {
    let top = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lvt-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: top.appendingPathComponent("cat"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: top) }
    #expect {
      try PictureLoader(InputSpec(width: 8, height: 8)).load(folder: top.path, limit: 1) { _ in }
    } throws: {
      "\($0)"
        == "\(top.path): a folder without .jpg, .jpeg, .png, .ppm or .pgm files; it has 1 folder"
    }
  }

  @Test func classFoldersNeedNoLabels() throws {
    let top = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lvt-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: top) }
    for (folder, picture) in [("owl", "rgb8"), ("Cat", "rgb16"), ("dog", "exif-6")] {
      let folder = top.appendingPathComponent(folder).path
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: "\(fixtures)/image/\(picture).png", toPath: "\(folder)/x.png")
    }
    // In the order of bytes, as torchvision's ImageFolder has them.
    let set = try LabeledPictures(path: top.path, labels: [])
    #expect(set.classes == [0, 1, 2])
    #expect(
      (0..<3).map { set.name($0).dropFirst(top.path.count) } == [
        "/Cat/x.png", "/dog/x.png", "/owl/x.png",
      ])
    let named = try LabeledPictures(path: top.path, labels: ["owl", "dog", "Cat"])
    #expect(named.classes == [2, 1, 0])
  }
}
