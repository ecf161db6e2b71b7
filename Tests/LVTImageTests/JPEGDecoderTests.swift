// SPDX-License-Identifier: Apache-2.0

import Foundation
import LVTImage
import LVTModel
import Testing

@testable import LVTCapture

struct JPEGDecoderTests {
  static let kinds = [
    "grey", "444", "422", "420", "progressive", "progressive-grey", "restarts", "adobe-rgb", "cmyk",
    "cmyk-unmarked", "ycck", "arithmetic", "arithmetic-progressive",
  ]

  /// The error that the bytes meet.
  private func fault(_ bytes: [UInt8]) -> CaptureError? {
    do throws(CaptureError) {
      let decoder = try JPEGDecoder()
      // A copy of its own size, so that the address sanitizer sees a read past the end.
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      defer { copy.deallocate() }
      copy.copyBytes(from: bytes)
      _ = try decoder.decode(UnsafeRawBufferPointer(copy))
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: kinds)
  func pixelsArePILs(kind: String) throws {
    let image = try PictureDecoder().read(path: fixturePath("\(kind).jpg"))
    let expected = try fixture("\(kind).rgb")
    #expect(image.width == 33 && image.height == 21)
    try #require(image.bytes.count == expected.count)
    // Other versions of libjpeg may round some pixels otherwise.
    let distances = zip(image.bytes, expected).map { abs(Int($0) - Int($1)) }
    #expect(distances.max() ?? 0 <= 1)
    #expect(distances.count { $0 == 0 } * 100 >= 99 * distances.count)
  }

  @Test func decoderServesOnePictureAfterAnother() throws {
    let decoder = try JPEGDecoder()
    for kind in Self.kinds {
      #expect(throws: CaptureError.self) {
        try decoder.decode(UnsafeRawBufferPointer(start: nil, count: 0))
      }
      let image = try fixture("\(kind).jpg").withUnsafeBytes { try decoder.decode($0) }
      #expect(
        image.bytes
          == (try PictureDecoder().read(path: fixturePath("\(kind).jpg")).bytes), "\(kind)")
    }
  }

  @Test(arguments: kinds)
  func truncatedFileIsRefusedAtEveryLength(kind: String) throws {
    let bytes = try fixture("\(kind).jpg")
    for length in 0..<bytes.count {
      #expect(fault(Array(bytes[..<length])) != nil, "\(length) bytes")
    }
    #expect(fault(Array(bytes.dropLast(2))) == .truncated(reason: "Premature end of JPEG file"))
  }

  @Test func bytesAfterTheEndDoNotMatter() throws {
    #expect(fault(try fixture("420.jpg") + [0, 1, 2, 3]) == nil)
  }

  @Test func missingHuffmanTablesAreTheUsualOnes() throws {
    let bytes = try fixture("420.jpg")
    var short = bytes
    while let table = short.firstRange(of: [0xFF, 0xC4]) {
      let length = Int(short[table.upperBound]) << 8 | Int(short[table.upperBound + 1])
      short.removeSubrange(table.lowerBound..<table.upperBound + length)
    }
    #expect(short.count < bytes.count - 400)
    let image = try short.withUnsafeBytes { try JPEGDecoder().decode($0) }
    #expect(image.bytes == (try fixture("420.rgb")))
  }

  @Test func tablesOfAnEarlierPictureAreForgotten() throws {
    let decoder = try JPEGDecoder()
    _ = try fixture("420.jpg").withUnsafeBytes { try decoder.decode($0) }
    var bytes = try fixture("420.jpg")
    while let table = bytes.firstRange(of: [0xFF, 0xDB]) {
      let length = Int(bytes[table.upperBound]) << 8 | Int(bytes[table.upperBound + 1])
      bytes.removeSubrange(table.lowerBound..<table.upperBound + length)
    }
    #expect(throws: CaptureError.self) { try bytes.withUnsafeBytes { try decoder.decode($0) } }
  }

  @Test func pictureOfOnePixelIsRead() throws {
    var builder = JPEGBuilder(width: 1, height: 1, components: 1)
    builder.scan([1])
    builder.flatBlock()
    builder.end()
    let image = try builder.bytes.withUnsafeBytes { try JPEGDecoder().decode($0) }
    #expect(image.width == 1 && image.height == 1)
    #expect(image.bytes == [128, 128, 128])
  }

  @Test func hugeSizesAreRefusedBeforeAnyPixelIsAllocated() {
    for frame in [0xC0, 0xC2] as [UInt8] {
      var builder = JPEGBuilder(width: 65500, height: 65500, components: 3, frame: frame)
      builder.scan([1, 2, 3])
      builder.end()
      guard case .tooLarge(65500, 65500, let reason)? = fault(builder.bytes) else {
        Issue.record("not refused for its size")
        continue
      }
      #expect(reason == "it has more than 178 million pixels")
    }
  }

  @Test func fewBytesCannotClaimManyPixels() {
    var builder = JPEGBuilder(width: 10000, height: 10000, components: 3)
    builder.scan([1, 2, 3])
    builder.end()
    #expect(
      fault(builder.bytes) == .truncated(reason: "too few bytes for a picture of its size"))
  }

  @Test func scansAreLimited() {
    func picture(repeats: Int) -> [UInt8] {
      var builder = JPEGBuilder(width: 8, height: 8, components: 3)
      for component in [UInt8](repeating: 1, count: repeats) + [2, 3] {
        builder.scan([component])
        builder.flatBlock()
      }
      builder.end()
      return builder.bytes
    }
    #expect(fault(picture(repeats: 90)) == nil)
    guard case .tooLarge? = fault(picture(repeats: 200)) else {
      Issue.record("200 scans were decoded")
      return
    }
  }

  @Test func coefficientsOfLargeProgressivePicturesAreLimited() {
    var builder = JPEGBuilder(width: 13000, height: 13000, components: 3, frame: 0xC2)
    builder.segment(0xDA, [3, 1, 0, 2, 0, 3, 0, 0, 0, 0])
    for _ in 0..<20 { builder.segment(0xFE, [UInt8](repeating: 0, count: 60000)) }
    builder.end()
    #expect(
      fault(builder.bytes)
        == .tooLarge(width: 13000, height: 13000, reason: "its coefficients need too much memory"))
  }

  /// Arithmetic coding goes on decoding where there are no more bytes.
  @Test(arguments: [0xC9, 0xCA] as [UInt8])
  func arithmeticCodingIsBoundedByItsBytes(frame: UInt8) {
    func picture(side: Int, scans: Int, padding: Int) -> [UInt8] {
      var builder = JPEGBuilder(width: side, height: side, components: 1, frame: frame)
      for _ in 0..<padding { builder.segment(0xFE, [UInt8](repeating: 0, count: 60000)) }
      if frame == 0xC9 {
        builder.scan([1])
      } else {
        // Bits of the lowest coefficient, then of the others, one scan each.
        for scan in 0..<scans {
          let group = scan / 14, bit = 13 - scan % 14
          let band = group == 0 ? [0, 0] : [UInt8(9 * group - 8), UInt8(9 * group)]
          builder.segment(0xDA, [1, 1, 0] + band + [UInt8((bit == 13 ? 0 : bit + 1) << 4 | bit)])
        }
      }
      builder.end()
      return builder.bytes
    }
    #expect(
      fault(picture(side: 10000, scans: 99, padding: 0))
        == .truncated(reason: "too few bytes for a picture of its size"))
    #expect(fault(picture(side: 100, scans: 99, padding: 0)) == nil)
    #expect(fault(picture(side: 2000, scans: 4, padding: 0)) == nil)
    guard frame == 0xCA else { return }
    guard
      case .tooLarge(2000, 2000, "too few bytes for its scans")? = fault(
        picture(side: 2000, scans: 60, padding: 0))
    else {
      Issue.record("60 scans over few bytes")
      return
    }
    #expect(fault(picture(side: 2000, scans: 60, padding: 3)) == nil)
  }

  @Test func pictureOfMoreThanAHundredMillionPixelsIsRead() throws {
    var builder = JPEGBuilder(width: 12032, height: 9024, components: 1)
    builder.scan([1])
    builder.flatBlocks(fours: 12032 / 8 * 9024 / 8 / 4)
    builder.end()
    let image = try builder.bytes.withUnsafeBytes { try JPEGDecoder().decode($0) }
    #expect(image.width == 12032 && image.height == 9024)
    #expect(image.withPixels { $0.first == 128 && $0.last == 128 })
  }

  // MARK: Files that change

  @Test func fileThatIsShortenedMeanwhileIsReadToItsNewEnd() throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.jpg").path
      try Data([UInt8](repeating: 7, count: 100_000)).write(to: URL(fileURLWithPath: path))
      let file = try OpenFile(path: path)
      var bytes = [UInt8](repeating: 0, count: file.size)
      let first = try bytes.withUnsafeMutableBytes {
        try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<10]))
      }
      #expect(truncate(path, 20) == 0)
      let rest = try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
      #expect(file.size == 100_000 && first == 10 && rest == 10)
    }
  }

  @Test func kindsThatAreNotDecodedAreNamed() {
    for builder in [
      JPEGBuilder(width: 8, height: 8, components: 1, precision: 12),
      JPEGBuilder(width: 8, height: 8, components: 2),
      JPEGBuilder(width: 8, height: 8, components: 1, frame: 0xC3),
    ] {
      var builder = builder
      builder.scan([1])
      builder.flatBlock()
      builder.end()
      guard case .unsupported? = fault(builder.bytes) else {
        Issue.record("\(String(describing: fault(builder.bytes)))")
        continue
      }
    }
  }

  @Test(.timeLimit(.minutes(2)), arguments: kinds)
  func damagedFileNeverCrashes(kind: String) throws {
    let bytes = try fixture("\(kind).jpg")
    var generator = SplitMix64(seed: 11)
    let edges: [UInt8] = [0x00, 0x01, 0x7F, 0x80, 0xD9, 0xFF]
    for _ in 0..<500 {
      var copy = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        copy[Int.random(in: copy.indices, using: &generator)] =
          Bool.random(using: &generator)
          ? edges[Int.random(in: edges.indices, using: &generator)]
          : UInt8.random(in: .min ... .max, using: &generator)
      }
      if let error = fault(copy) { #expect(!error.description.contains("\n")) }
    }
  }

  @Test func fileThatIsNoJPEGIsNamed() throws {
    #expect(fault([]) == .empty)
    #expect(fault(Array("\u{89}PNG".utf8).suffix(3) + [1, 2]) == .notAJPEG(start: "50 4E 47 01"))
    #expect(fault([0xFF, 0xD8, 0x00, 0x10]) == .notAJPEG(start: "FF D8 00 10"))
    #expect(fault([0xFF, 0xD8]) == .truncated(reason: "Premature end of JPEG file"))
  }
}
