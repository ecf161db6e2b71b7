// SPDX-License-Identifier: Apache-2.0

import Foundation
import LVTImage
import LVTModel
import Testing

@testable import LVTCapture

struct ExifOrientationTests {
  /// An Exif segment's TIFF structure: its entries are tag, type, count and four bytes of value.
  private static func tiff(
    isBigEndian: Bool, directory: Int = 8, _ entries: [(Int, Int, Int, [UInt8])]
  ) -> [UInt8] {
    func number(_ value: Int, _ count: Int) -> [UInt8] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      return isBigEndian ? bytes.reversed() : bytes
    }
    return Array((isBigEndian ? "MM" : "II").utf8) + number(42, 2) + number(directory, 4)
      + number(entries.count, 2)
      + entries.flatMap { number($0.0, 2) + number($0.1, 2) + number($0.2, 4) + $0.3 }
      + number(0, 4)
  }

  private static func short(_ value: Int, isBigEndian: Bool = false) -> [UInt8] {
    isBigEndian ? [0, UInt8(value), 0, 0] : [UInt8(value), 0, 0, 0]
  }

  /// A JPEG with an Exif segment.
  private func jpeg(_ tiff: [UInt8], in name: String = "444.jpg") throws -> [UInt8] {
    let content = Array("Exif\0\0".utf8) + tiff
    let length = content.count + 2
    var bytes = try fixture(name)
    bytes.insert(
      contentsOf: [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)] + content, at: 2)
    return bytes
  }

  private func decoded(
    _ bytes: [UInt8], _ policy: OrientationPolicy = .exif
  ) throws -> (width: Int, height: Int, bytes: [UInt8]) {
    let image = try bytes.withUnsafeBytes { try JPEGDecoder(orientation: policy).decode($0) }
    return (image.width, image.height, image.bytes)
  }

  /// Where the pixel of an upright picture lies in the file, by Exif's words: which side of the picture
  /// row 0 and column 0 of the file are.
  private static func source(
    _ orientation: Int, _ x: Int, _ y: Int, width: Int, height: Int
  ) -> (column: Int, row: Int) {
    switch orientation {
    case 2: (width - 1 - x, y)  // top, right
    case 3: (width - 1 - x, height - 1 - y)  // bottom, right
    case 4: (x, height - 1 - y)  // bottom, left
    case 5: (y, x)  // left, top
    case 6: (y, height - 1 - x)  // right, top
    case 7: (width - 1 - y, height - 1 - x)  // right, bottom
    case 8: (width - 1 - y, x)  // left, bottom
    default: (x, y)
    }
  }

  @Test(arguments: ["444.jpg", "420.jpg", "grey.jpg", "cmyk.jpg", "progressive.jpg"])
  func picturesOfAllOrientationsBecomeUpright(name: String) throws {
    let (width, height, stored) = try decoded(fixture(name))
    for orientation in 0...9 {
      for isBigEndian in [false, true] {
        let value = Self.short(orientation, isBigEndian: isBigEndian)
        let bytes = try jpeg(
          Self.tiff(
            isBigEndian: isBigEndian, [(0x0100, 4, 1, [9, 9, 9, 9]), (0x0112, 3, 1, value)]),
          in: name)
        let found = try decoded(bytes)
        let isTurned = (5...8).contains(orientation)
        #expect(found.width == (isTurned ? height : width))
        #expect(found.height == (isTurned ? width : height))
        var expected: [UInt8] = []
        for y in 0..<found.height {
          for x in 0..<found.width {
            let (column, row) = Self.source(orientation, x, y, width: width, height: height)
            let at = 3 * (row * width + column)
            expected += stored[at..<at + 3]
          }
        }
        #expect(found.bytes == expected, "orientation \(orientation)")
        #expect(try decoded(bytes, .ignore).bytes == stored)
      }
    }
  }

  @Test func turnedPictureIsFramedAsTheUprightOne() throws {
    let value = Self.short(6)
    let bytes = try jpeg(Self.tiff(isBigEndian: false, [(0x0112, 3, 1, value)]))
    let (width, height, pixels) = try decoded(bytes)
    let upright = try Image(width: width, height: height)
    upright.withPixels { $0.copyBytes(from: pixels) }
    let image = try bytes.withUnsafeBytes { try JPEGDecoder().decode($0) }
    let spec = InputSpec(
      width: 32, height: 32, fit: .letterbox(padding: RGB(red: 9, green: 99, blue: 199)))
    let input = try resized(image, spec)
    #expect(input == (try resized(upright, spec)))
    // 21 × 33 becomes 20 × 32; the padding is to the right.
    #expect(Array(input[3 * 20..<3 * 21]) == [9, 99, 199])
    let mapping = try PictureMapping(width: image.width, height: image.height, spec: spec)
    #expect(mapping.x(20) == 21 && mapping.y(32) == 33)
  }

  /// As Pillow 13 answers each of them.
  @Test func oddEntriesMeanWhatTheyMeanToPIL() throws {
    let six = Self.short(6)
    for (entries, isTurned) in [
      ([(0x0112, 4, 1, six)], true), ([(0x0112, 8, 1, six)], true), ([(0x0112, 9, 1, six)], true),
      ([(0x0112, 1, 1, six)], false), ([(0x0112, 2, 1, [0x36, 0, 0, 0])], false),
      ([(0x0112, 3, 0, six)], false), ([(0x0112, 3, 2, six)], true),
      ([(0x0112, 3, 1, six), (0x0112, 3, 1, Self.short(1))], true),
      ([(0x0113, 3, 1, six)], false), ([], false),
    ] as [([(Int, Int, Int, [UInt8])], Bool)] {
      let found = try decoded(jpeg(Self.tiff(isBigEndian: false, entries)))
      #expect((found.width == 21) == isTurned, "\(entries)")
    }
  }

  @Test func damagedDataLeaveThePictureAsItIs() throws {
    let whole = Self.tiff(isBigEndian: false, [(0x0112, 3, 1, Self.short(6))])
    for count in 0..<20 {
      #expect(try decoded(jpeg(Array(whole.prefix(count)))).width == 33, "\(count) bytes")
    }
    for directory in [0, 1, 9, 24, 9999, 0x7FFF_FFFF, 0xFFFF_FFFF] {
      let damaged = Self.tiff(
        isBigEndian: false, directory: directory, [(0x0112, 3, 1, Self.short(6))])
      #expect(try decoded(jpeg(damaged)).width == 33, "\(directory)")
    }
    #expect(try decoded(jpeg(Array("XX*\0".utf8) + whole.dropFirst(4))).width == 33)
    #expect(try decoded(jpeg(Array("II\0*".utf8) + whole.dropFirst(4))).width == 21)
    var many = whole
    (many[8], many[9]) = (0xFF, 0xFF)
    #expect(try decoded(jpeg(many)).width == 21)
  }

  @Test func noiseInExifDataIsHarmless() throws {
    let value = Self.short(6, isBigEndian: true)
    let whole = try jpeg(Self.tiff(isBigEndian: true, [(0x0112, 3, 1, value)]))
    var generator = SplitMix64(seed: 4)
    for _ in 0..<2000 {
      var bytes = Array(whole.prefix(60))
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        bytes[Int.random(in: 2..<60, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      defer { copy.deallocate() }
      copy.copyBytes(from: bytes)
      _ = ExifOrientation(jpeg: UnsafeRawBufferPointer(copy))
    }
  }

  /// Strips of rows that do not divide the height, and pictures of a pixel's width.
  @Test func smallestPicturesAreTurned() throws {
    for (width, height) in [(1, 1), (1, 40), (40, 1), (17, 16), (16, 17)] {
      for orientation in ExifOrientation.allCases {
        let place = orientation.placement(width: width, height: height)
        var seen = Set<Int>()
        for y in 0..<height {
          for x in 0..<width { seen.insert(place.first + x * place.columnStep + y * place.rowStep) }
        }
        #expect(seen == Set(stride(from: 0, to: 3 * width * height, by: 3)))
      }
    }
  }
}
