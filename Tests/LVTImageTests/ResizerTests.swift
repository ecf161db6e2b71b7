// SPDX-License-Identifier: Apache-2.0

import LVTImage
import LVTModel
import Testing

private let letterbox = InputSpec.Fit.letterbox(padding: RGB(red: 124, green: 116, blue: 104))

struct ResizerTests {
  /// A line of `resize.txt`.
  struct Case: CustomTestStringConvertible {
    let testDescription: String
    let seed: UInt64
    let width, height: Int
    let spec: InputSpec
    let hash: UInt64

    init?(_ line: Substring) {
      let fields = line.split(separator: " ").map(String.init)
      guard fields.count == 8, let seed = UInt64(fields[0]), let fit = Self.fit(fields[5]),
        let hash = UInt64(fields[7], radix: 16)
      else { return nil }
      let sides = fields[1...4].compactMap { Int($0) }
      guard sides.count == 4 else { return nil }
      testDescription = String(line)
      self.seed = seed
      width = sides[0]
      height = sides[1]
      spec = InputSpec(
        width: sides[2], height: sides[3], fit: fit,
        interpolation: fields[6] == "bicubic" ? .bicubic : .bilinear)
      self.hash = hash
    }

    /// `1`, a crop's fraction, or `letterbox`.
    private static func fit(_ text: String) -> InputSpec.Fit? {
      if text == "letterbox" { return letterbox }
      return Double(text).map { $0 == 1 ? .stretch : .crop(fraction: $0) }
    }

    static func all() throws -> [Case] {
      String(decoding: try fixture("resize.txt"), as: UTF8.self)
        .split(separator: "\n").compactMap { Case($0) }
    }
  }

  @Test func everyCaseOfTheFixtureIsRead() throws {
    #expect(try Case.all().count == 88)
  }

  @Test(arguments: try Case.all())
  func resultIsPILsToTheLastBit(test: Case) throws {
    let source = try noise(seed: test.seed, width: test.width, height: test.height)
    #expect(fnv1a(try resized(source, test.spec)) == test.hash)
  }

  private let half = InputSpec(width: 20, height: 16, interpolation: .bicubic)

  @Test func rowsMayBeApart() throws {
    let source = try noise(seed: 3, width: 37, height: 29)
    let pixels = source.bytes
    let stride = 37 * 3 + 5
    var spread = [UInt8](repeating: 0xAA, count: stride * 28 + 37 * 3)
    for y in 0..<29 {
      for x in 0..<37 * 3 { spread[y * stride + x] = pixels[y * 37 * 3 + x] }
    }
    let result = try spread.withUnsafeBytes { bytes in
      try Resizer(spec: half).bytes(
        ImageView(format: .rgb8, width: 37, height: 29, stride: stride, bytes: bytes))
    }
    #expect(result == (try resized(source, half)))
  }

  @Test func grayBecomesThreeEqualChannels() throws {
    let gray = (0..<37 * 29).map { UInt8(truncatingIfNeeded: $0 &* 61) }
    let colour = try Image(width: 37, height: 29)
    colour.withPixels { pixels in
      for i in pixels.indices { pixels[i] = gray[i / 3] }
    }
    let result = try gray.withUnsafeBytes { bytes in
      try Resizer(spec: half).bytes(
        ImageView(format: .gray8, width: 37, height: 29, bytes: bytes))
    }
    #expect(result == (try resized(colour, half)))
  }

  @Test func resizerServesPicturesOfChangingSizes() throws {
    let resizer = try Resizer(spec: half)
    for (seed, (width, height)) in [(40, 30), (3, 200), (40, 30), (20, 16), (201, 3)].enumerated() {
      let source = try noise(seed: UInt64(seed), width: width, height: height)
      #expect(try resizer.bytes(source) == resized(source, half), "\(width)×\(height)")
    }
  }

  @Test func onlyTheOutputIsWritten() throws {
    let source = try noise(seed: 4, width: 9, height: 7)
    let spec = InputSpec(width: 5, height: 3, interpolation: .bilinear)
    var memory = [UInt8](repeating: 0xAA, count: 16 + 45 + 16)
    try memory.withUnsafeMutableBytes { bytes in
      try Resizer(spec: spec).resize(
        source, into: UnsafeMutableRawBufferPointer(rebasing: bytes[16..<61]))
    }
    #expect(Array(memory[16..<61]) == (try resized(source, spec)))
    #expect((memory[..<16] + memory[61...]).allSatisfy { $0 == 0xAA })
  }

  @Test func outputOfAnotherSizeIsRefused() throws {
    let source = try noise(seed: 4, width: 9, height: 7)
    let output = try Image(width: half.width, height: half.height + 1)
    #expect(throws: ImageError.output(expected: 960, found: 1020)) {
      try output.withPixels { try Resizer(spec: half).resize(source, into: $0) }
    }
  }

  @Test(
    arguments: [
      (0, 8, 1), (8, 0, 1), (-1, 8, 1), (8, 40000, 1), (8, 8, 0), (8, 8, 1.5), (8, 8, -1),
      (8, 8, .nan), (224, 224, 0.001), (Int.max, Int.max, 0.5),
    ] as [(Int, Int, Double)])
  func inputThatCannotBeFramedIsRefused(width: Int, height: Int, crop: Double) {
    let spec = InputSpec(
      width: width, height: height, fit: .crop(fraction: crop), interpolation: .bilinear)
    #expect(throws: ImageError.self) { try Resizer(spec: spec) }
  }

  @Test func paddingIsWrittenForEachPicture() throws {
    let spec = InputSpec(width: 24, height: 16, fit: letterbox)
    let resizer = try Resizer(spec: spec)
    let output = try Image(width: 24, height: 16)
    for (seed, (width, height)) in [(48, 8), (8, 48), (48, 8), (48, 32)].enumerated() {
      let source = try noise(seed: UInt64(seed), width: width, height: height)
      // A run may leave anything where its picture was.
      output.withPixels { pixels in for i in pixels.indices { pixels[i] = 0xAA } }
      try output.withPixels { pixels in try resizer.resize(source, into: pixels) }
      #expect(output.bytes == (try resized(source, spec)), "\(width)×\(height)")
    }
  }

  @Test func inputThatIsRefusedIsNamed() {
    func text(_ fit: InputSpec.Fit) -> String {
      ImageError.input(InputSpec(width: 0, height: 8, fit: fit)).description
    }
    #expect(
      text(.crop(fraction: 0.5)) == "an input of 0×8 cut from 0.5 of a picture is not possible")
    #expect(text(letterbox) == "an input of 0×8; sides of 1 ... 32767 are possible")
  }

  @Test func longestSidesAreResized() throws {
    for fit in [.stretch, .crop(fraction: 0.5), letterbox] {
      let spec = InputSpec(width: 3, height: 2, fit: fit, interpolation: .bicubic)
      for (width, height) in [(65535, 1), (1, 65535)] {
        #expect(try resized(noise(seed: 1, width: width, height: height), spec).count == 18)
      }
    }
  }
}
