// SPDX-License-Identifier: Apache-2.0

import LVT
import Testing

@testable import LVTDraw

struct DrawTests {
  private func grey(_ width: Int, _ height: Int) throws -> Image {
    let image = try Image(width: width, height: height)
    image.withPixels { pixels in for i in pixels.indices { pixels[i] = 100 } }
    return image
  }

  private func pixel(_ image: Image, _ x: Int, _ y: Int) -> RGB {
    image.withPixels { pixels in
      let at = 3 * (y * image.width + x)
      return RGB(red: pixels[at], green: pixels[at + 1], blue: pixels[at + 2])
    }
  }

  private let untouched = RGB(red: 100, green: 100, blue: 100)

  private func detection(
    _ x: Float, _ y: Float, _ width: Float, _ height: Float, classIndex: Int = 0,
    score: Float = 0.5
  ) -> Detection {
    Detection(
      classIndex: classIndex, score: score, box: Box(x: x, y: y, width: width, height: height))
  }

  @Test func frameIsTheBoxesEdge() throws {
    let image = try grey(100, 80)
    image.draw([detection(20, 30, 40.4, 19.6)], labels: ["cell"])
    let colour = Palette.colour(of: 0)
    for (x, y) in [(20, 30), (59, 30), (20, 49), (59, 49), (40, 49), (59, 40)] {
      #expect(pixel(image, x, y) == colour, "\(x),\(y)")
    }
    for (x, y) in [(19, 40), (60, 40), (40, 50), (21, 31), (58, 48), (40, 40), (40, 18)] {
      #expect(pixel(image, x, y) == untouched, "\(x),\(y)")
    }
    // The plate stands on the box: 11 rows, 6 columns a letter and 3.
    #expect(pixel(image, 20, 19) == colour && pixel(image, 20, 29) == colour)
    #expect(pixel(image, 20 + 6 * 8 + 2, 19) == colour)
    #expect(pixel(image, 20 + 6 * 8 + 3, 19) == untouched)
  }

  @Test func higherScoreIsInFront() throws {
    let image = try grey(100, 80)
    image.draw(
      [
        detection(20, 30, 40, 20, classIndex: 1, score: 0.9),
        detection(20, 30, 40, 20, classIndex: 2, score: 0.4),
      ], labels: [])
    #expect(pixel(image, 40, 49) == Palette.colour(of: 1))
  }

  @Test func boxesOfAnyKindStayInThePicture() throws {
    let numbers: [Float] = [-1e30, -3, 0, 8.5, 9, 1e30, .nan, .infinity, -.infinity]
    for (width, height) in [(9, 9), (1, 1), (700, 3)] {
      let image = try grey(width, height)
      for x in numbers {
        for size in numbers {
          image.draw(
            [detection(x, x, size, size, classIndex: 70_000, score: x)], labels: ["a\u{1F600}é\n"])
        }
      }
      #expect(image.width == width)
    }
  }

  @Test func lettersGrowWithThePicture() throws {
    for (side, unit) in [(64, 1), (499, 1), (500, 2), (1999, 4)] {
      let image = try Image(width: side, height: 8)
      image.withPixels { #expect(Canvas($0, width: side, height: 8).unit == unit) }
    }
  }

  @Test func glyphsAreAllDifferentAndUnknownOnesAQuestionMark() {
    let font = Font()
    let glyphs = (0x20...0x7E).compactMap { Unicode.Scalar($0).map { Array(font.rows(of: $0)) } }
    #expect(Set(glyphs).count == 95)
    #expect(glyphs[0] == [0, 0, 0, 0, 0, 0, 0])
    #expect(Array(font.rows(of: "T")) == [31, 4, 4, 4, 4, 4, 4])
    #expect(Array(font.rows(of: "~")) == [0, 0, 8, 21, 2, 0, 0])
    for other in ["\n", "é", "\u{1F600}"] as [Unicode.Scalar] {
      #expect(font.rows(of: other) == font.rows(of: "?"))
    }
  }

  @Test func textIsBlackOnBrightAndWhiteOnDark() {
    #expect(Palette.text(on: RGB(red: 0, green: 255, blue: 0)).red == 0)
    #expect(Palette.text(on: RGB(red: 0, green: 0, blue: 255)).red == 255)
    #expect(Set((0..<32).map { "\(Palette.colour(of: $0))" }).count == 32)
    #expect(Palette.colour(of: 33) == Palette.colour(of: 1))
  }

  @Test func plateShortensLongNames() {
    #expect(plateText("cell", 0.935) == "cell 94%")
    #expect(plateText(String(repeating: "x", count: 99), .nan).count == 24 + 3)
  }

  // MARK: Masks

  @Test func masksAreTintedWithAnEdgeAndTheSurerOneIsInFront() throws {
    let image = try grey(60, 40)
    func mask(_ columns: Range<Int>) throws -> RunLengths {
      try RunLengths(
        counts: [40 * columns.lowerBound, 40 * columns.count, 40 * (60 - columns.upperBound)],
        pixels: 2400)
    }
    let far = Box(x: 59, y: 39, width: 1, height: 1)
    image.draw(
      [
        Detection(classIndex: 1, score: 0.9, box: far),
        Detection(classIndex: 1, score: 0.8, box: far),
        Detection(classIndex: 2, score: 0.5, box: far),
      ], masks: [try mask(2..<8), try mask(8..<14), try mask(4..<20)], labels: [])
    func mixed(_ classIndex: Int) -> RGB {
      let colour = Palette.colour(of: classIndex)
      func half(_ byte: UInt8) -> UInt8 { UInt8((100 + Int(byte)) / 2) }
      return RGB(red: half(colour.red), green: half(colour.green), blue: half(colour.blue))
    }
    let expected =
      [(0..<2, untouched), (2..<3, Palette.colour(of: 1)), (3..<7, mixed(1))]
      + [(7..<9, Palette.colour(of: 1)), (9..<13, mixed(1)), (13..<14, Palette.colour(of: 1))]
      + [(14..<15, Palette.colour(of: 2)), (15..<19, mixed(2)), (19..<20, Palette.colour(of: 2))]
    for (columns, colour) in expected {
      for x in columns {
        #expect(pixel(image, x, 5) == colour, "\(x)")
        #expect(pixel(image, x, 0) == colour, "the picture's edge is none of an object, \(x)")
      }
    }
    #expect(pixel(image, 20, 5) == untouched)
  }

  // MARK: Label maps

  @Test func overlayIsHalfTheClassesColour() throws {
    let image = try grey(90, 60)
    var labels = [UInt8](repeating: 0, count: 90 * 60)
    for i in 0..<90 { labels[59 * 90 + i] = [1, 2, 255][i / 30] }
    image.overlay(
      LabelMap(width: 90, height: 60, labels: labels), labels: ["Road"],
      filter: ResultFilter(classes: [0, 1]))
    func mixed(_ classIndex: Int) -> RGB {
      let colour = Palette.colour(of: classIndex)
      func half(_ byte: UInt8) -> UInt8 { UInt8((100 + Int(byte)) / 2) }
      return RGB(red: half(colour.red), green: half(colour.green), blue: half(colour.blue))
    }
    #expect(pixel(image, 89, 30) == mixed(0))
    #expect(pixel(image, 10, 59) == mixed(1))
    #expect(pixel(image, 40, 59) == untouched, "not wanted")
    #expect(pixel(image, 80, 59) == untouched, "unknown")
    // "Road 98%" has 8 letters; class 1 has 30 of 5400 pixels and its plate is the second.
    #expect(pixel(image, 0, 0) == Palette.colour(of: 0))
    #expect(pixel(image, 0, 11) == Palette.colour(of: 1))
    #expect(pixel(image, 0, 22) == mixed(0))
  }
}
