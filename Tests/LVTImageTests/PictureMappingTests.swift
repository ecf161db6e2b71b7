// SPDX-License-Identifier: Apache-2.0

import LVT
import LVTModel
import Testing

@testable import LVTImage

struct PictureMappingTests {
  private static let fits: [InputSpec.Fit] = [
    .stretch, .letterbox(padding: RGB(red: 1, green: 2, blue: 3)), .crop(fraction: 1),
    .crop(fraction: 0.8),
  ]

  private func mapping(
    _ width: Int, _ height: Int, _ fit: InputSpec.Fit
  ) throws(ImageError) -> PictureMapping {
    try PictureMapping(
      width: width, height: height, spec: InputSpec(width: 96, height: 64, fit: fit))
  }

  private func box(_ x: Float, _ y: Float, _ width: Float, _ height: Float) -> Box {
    Box(x: x, y: y, width: width, height: height)
  }

  // MARK: Boxes

  @Test func boxesOfAStretchedPictureAreScaledBothWays() throws {
    let picture = try mapping(192, 32, .stretch)
    #expect(picture.picture(box(10, 20, 30, 8)) == box(20, 10, 60, 4))
    #expect(picture.picture(box(0, 0, 96, 64)) == box(0, 0, 192, 32))
  }

  @Test func boxesOfALetterboxAreScaledAlike() throws {
    // Resized to 85 × 64 of the 96 × 64.
    let picture = try mapping(640, 480, Self.fits[1])
    #expect(picture.picture(box(17, 16, 34, 32)) == box(128, 120, 256, 240))
    // What reaches into the padding ends with the picture; what is all padding is empty.
    #expect(picture.picture(box(68, 32, 28, 32)) == box(512, 240, 128, 240))
    #expect(picture.picture(box(90, 0, 5, 5)).width == 0)
  }

  @Test func boxesOfACropStartAtItsEdge() throws {
    // Resized to 128 × 64; the middle 96 columns are the input.
    let picture = try mapping(256, 128, Self.fits[2])
    #expect(picture.picture(box(0, 0, 96, 64)) == box(32, 0, 192, 128))
    #expect(picture.picture(box(-40, 8, 50, 4)) == box(0, 16, 52, 8))
  }

  @Test func boxesAreClippedToThePicture() throws {
    for fit in Self.fits {
      let picture = try mapping(640, 480, fit)
      #expect(picture.picture(box(-500, -500, 5000, 5000)) == box(0, 0, 640, 480))
      let beside = picture.picture(box(-500, 500, 100, 100))
      #expect(beside == box(0, 480, 0, 0))
      for value in [Float.nan, .infinity, -.infinity] {
        let result = picture.picture(box(value, value, value, value))
        #expect((0...640).contains(result.x) && (0...480).contains(result.y))
        #expect((0...640).contains(result.width) && (0...480).contains(result.height))
      }
    }
  }

  @Test(arguments: [(640, 480), (120, 301), (50, 40)])
  func blockInAPictureIsFoundWhereItIs(size: (width: Int, height: Int)) throws {
    for fit in Self.fits {
      let (width, height) = size
      let columns = width * 7 / 16..<width * 9 / 16, rows = height * 7 / 16..<height * 9 / 16
      let image = try Image(width: width, height: height)
      image.withPixels { pixels in
        for i in pixels.indices {
          let (x, y) = (i / 3 % width, i / 3 / width)
          pixels[i] = columns.contains(x) && rows.contains(y) ? 255 : 0
        }
      }
      let input = try resized(image, InputSpec(width: 96, height: 64, fit: fit))
      let bright = (0..<96 * 64).filter { input[3 * $0] > 127 }
      let left = bright.map { $0 % 96 }.min() ?? 0, right = (bright.map { $0 % 96 }.max() ?? 0) + 1
      let top = bright.map { $0 / 96 }.min() ?? 0, bottom = (bright.map { $0 / 96 }.max() ?? 0) + 1
      let found = try mapping(width, height, fit).picture(
        box(Float(left), Float(top), Float(right - left), Float(bottom - top)))
      // Half an input pixel to each side.
      let slack = max(1, Float(max(width, height)) / 64)
      #expect(abs(found.x - Float(columns.lowerBound)) <= slack)
      #expect(abs(found.y - Float(rows.lowerBound)) <= slack)
      #expect(abs(found.x + found.width - Float(columns.upperBound)) <= slack)
      #expect(abs(found.y + found.height - Float(rows.upperBound)) <= slack)
    }
  }

  // MARK: Label maps

  /// The label of a picture's pixel, by the rule.
  private func nearest(
    _ x: Int, _ y: Int, of labels: [UInt8], _ width: Int, _ height: Int, _ fit: InputSpec.Fit
  ) -> UInt8 {
    let spec = InputSpec(width: 96, height: 64, fit: fit)
    let resized: (width: Int, height: Int), cut: (left: Int, top: Int)
    switch fit {
    case .stretch: (resized, cut) = ((96, 64), (0, 0))
    case .letterbox:
      let factor = min(96 / Double(width), 64 / Double(height))
      resized = (
        max(1, Int(Double(width) * factor + 0.5)), max(1, Int(Double(height) * factor + 0.5))
      )
      cut = (0, 0)
    case .crop:
      let framing = Framing(width: width, height: height, spec: spec)
      resized = (framing.resizedWidth, framing.resizedHeight)
      cut = (framing.columns.lowerBound, framing.rows.lowerBound)
    }
    let column = (2 * x + 1) * resized.width / (2 * width) - cut.left
    let row = (2 * y + 1) * resized.height / (2 * height) - cut.top
    guard (0..<96).contains(column), (0..<64).contains(row) else { return 255 }
    return labels[row * 96 + column]
  }

  @Test(arguments: [(640, 480), (7, 5), (96, 64), (31, 200), (1, 1), (1000, 3), (3, 1000)])
  func labelsAreThoseOfTheNearestPixels(size: (width: Int, height: Int)) throws {
    let labels = (0..<96 * 64).map { UInt8($0 * 7919 % 251) }
    for fit in Self.fits {
      let map = try mapping(size.width, size.height, fit)
        .picture(LabelMap(width: 96, height: 64, labels: labels))
      #expect(map.width == size.width && map.height == size.height)
      let expected = (0..<size.width * size.height).map {
        nearest($0 % size.width, $0 / size.width, of: labels, size.width, size.height, fit)
      }
      #expect(map.labels == expected, "\(fit)")
      if case .crop = fit { continue }
      #expect(!map.labels.contains(PictureMapping.unknownLabel))
    }
  }

  @Test func longestRowsAreMapped() throws {
    let picture = try mapping(65535, 2, .stretch)
    let labels = [UInt8](repeating: 1, count: 95) + [9] + [UInt8](repeating: 2, count: 63 * 96)
    var row = [UInt8](repeating: 0, count: 65535)
    labels.withUnsafeBufferPointer { labels in
      row.withUnsafeMutableBufferPointer { picture.write(row: 0, of: labels, into: $0) }
    }
    #expect(row[65534] == labels[(64 / 4) * 96 + 95] && row[0] == labels[(64 / 4) * 96])
  }

  @Test func pictureThatCannotBeIsRefused() {
    #expect(throws: ImageError.size(width: 0, height: 4)) { try mapping(0, 4, .stretch) }
    #expect(throws: ImageError.self) { try mapping(4, 4, .crop(fraction: 0)) }
  }
}
