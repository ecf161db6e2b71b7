// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport
import Testing

/// Streams and turned pictures as a user gives them to lvt-infer.
extension CommandLineTests {
  /// The logits of each line.
  private func logits(_ outcome: Outcome) throws -> [[Double]] {
    try outcome.output.split(separator: "\n").map { line in
      try #require(try object(line)["logits"] as? [Double])
    }
  }

  private func stream(_ arguments: [String], _ input: [UInt8]) throws -> Outcome {
    try run("lvt-infer", [plan, "-", "--all-frames", "--logits"] + arguments, input: input)
  }

  /// A picture of 148 × 112 pixels as I420, its rows so many bytes apart.
  private func planes(stride: Int) -> [UInt8] {
    func plane(_ width: Int, _ height: Int, _ step: Int, _ seed: Int) -> [UInt8] {
      (0..<height).flatMap { y in
        (0..<step).map { $0 < width ? UInt8(truncatingIfNeeded: (y * $0 + seed) >> 3) : 0xAA }
      }
    }
    return plane(148, 112, stride, 7) + plane(74, 56, stride / 2, 99)
      + plane(74, 56, stride / 2, 900)
  }

  @Test func paddedRowsAreReadAndTheirLengthIsHintedAt() throws {
    let tight = try stream(["--yuv420", "148x112"], planes(stride: 148) + planes(stride: 148))
    #expect(tight.code == 0 && tight.errors.count == 2)
    #expect(tight.errors.first?.contains("--stride 192") == true)
    let padded = try stream(
      ["--raw", "yu12", "--size", "148x112", "--stride", "192"],
      planes(stride: 192) + planes(stride: 192))
    #expect(padded.code == 0 && padded.errors == ["lvt-infer: 2 frames, 0 dropped, 0 damaged"])
    let found = try logits(padded), expected = try logits(tight)
    #expect(found.count == 2 && found == expected)
  }

  @Test func rawFormatsOfOnePictureGiveOneResult() throws {
    let rgb = (0..<64 * 48 * 3).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
    var bgr = rgb
    for i in stride(from: 0, to: bgr.count, by: 3) { bgr.swapAt(i, i + 2) }
    let size = ["--size", "64x48"]
    #expect(
      try logits(stream(["--raw", "rgb24"] + size, rgb))
        == logits(stream(["--raw", "bgr24"] + size, bgr)))
    for (name, pixels) in [("rgba", rgb), ("bgra", bgr)] {
      var spaced: [UInt8] = []
      for (i, byte) in pixels.enumerated() { spaced += i % 3 == 2 ? [byte, 0xAA] : [byte] }
      #expect(
        try logits(stream(["--raw", name] + size, spaced))
          == logits(stream(["--raw", "rgb24"] + size, rgb)))
    }
    let luma = Array(rgb.prefix(64 * 48))
    let u = Array(rgb.suffix(32 * 24)), v = Array(rgb[500...].prefix(32 * 24))
    let yu12 = try logits(stream(["--yuv420", "64x48"], luma + u + v))
    #expect(yu12.count == 1)
    for (name, pairs) in [("nv12", zip(u, v)), ("nv21", zip(v, u))] {
      #expect(
        try logits(stream(["--raw", name] + size, luma + pairs.flatMap { [$0, $1] })) == yu12)
    }
  }

  @Test func coloursAreAsAskedFor() throws {
    // Red by BT.709 in the limited range: [200, 40, 30] becomes these samples.
    let red =
      [UInt8](repeating: 79, count: 80 * 60) + [UInt8](repeating: 108, count: 40 * 30)
      + [UInt8](repeating: 199, count: 40 * 30)
    let saved = folder + "/frame.ppm"
    func pixel(_ arguments: [String]) throws -> [Int] {
      let outcome = try stream(["--yuv420", "80x60", "--save-frame", saved] + arguments, red)
      #expect(outcome.code == 0)
      return try Data(contentsOf: URL(fileURLWithPath: saved)).suffix(3).map { Int($0) }
    }
    let found = try pixel(["--color", "bt709"])
    for (value, right) in zip(found, [200, 40, 30]) { #expect(abs(value - right) <= 1, "\(found)") }
    #expect(try pixel([]) == pixel(["--color", "bt601,limited"]))
    #expect(try pixel([]) != found)
    #expect(try pixel(["--color", "full,bt709"]) != found)
  }

  @Test func y4mIsRecognisedAndReadByItsHeader() throws {
    let planes = planes(stride: 148)
    let y4m = Array("YUV4MPEG2 W148 H112 F5:1 Ip C420jpeg\nFRAME\n".utf8) + planes
    let outcome = try stream([], y4m + Array("FRAME\n".utf8) + planes)
    #expect(outcome.code == 0 && outcome.errors == ["lvt-infer: 2 frames, 0 dropped, 0 damaged"])
    let expected = try logits(stream(["--yuv420", "148x112"], planes))
    #expect(try logits(outcome) == expected + expected)
    let damaged = try stream([], y4m + Array("FRAME".utf8) + planes)
    #expect(damaged.code == 1 && damaged.errors.count == 2)
    #expect(damaged.errors.last?.contains("a Y4M stream with a damaged frame") == true)
  }

  @Test func wrongStreamIsOneLineWithTheWayOut() throws {
    let h264: [UInt8] = [0, 0, 0, 1, 0x67, 0x42, 0xC0, 0x1E, 0xD9, 0, 0, 0, 1, 0x68, 0xCE, 0x3C]
    let jpeg = try [UInt8](Data(contentsOf: URL(fileURLWithPath: picture)))
    for (arguments, input, what, way) in [
      ([], h264, "an H.264 stream", "ffmpeg"),
      (["--yuv420", "64x48"], h264, "an H.264 stream", "ffmpeg"),
      (["--yuv420", "64x48"], jpeg, "a JPEG", "leave out"),
      (
        ["--raw", "nv12", "--size", "64x48"], Array("YUV4MPEG2 W64 H48\n".utf8), "Y4M", "leave out"
      ),
      ([], Array("YUV4MPEG2 W64 H48 C444\n".utf8), "expected to be C420", "ffmpeg"),
      ([], Array("no cameras available\n".utf8), "text", "the program before the pipe"),
      ([], [UInt8](repeating: 9, count: 3 << 20), "no JPEG in the first 1048576 bytes", "--raw"),
      (["--color", "bt709"], jpeg, "JPEGs", "--color"),
      (["--yuv420", "9000x9000"], jpeg, "121500000 bytes", "67108864"),
    ] as [([String], [UInt8], String, String)] {
      let outcome = try stream(arguments, input)
      #expect(outcome.code == 1 && outcome.output.isEmpty)
      let line = outcome.errors.last ?? ""
      #expect(outcome.errors.count == 1 && line.contains(what) && line.contains(way), "\(line)")
    }
  }

  @Test func closedStandardInputIsOneLine() throws {
    let outcome = try run(
      "/bin/sh", ["-c", "exec \"$0\" \"$1\" - <&-", Self.products + "/lvt-infer", plan])
    #expect(outcome.code == 1)
    #expect(outcome.errors == ["lvt-infer: standard input: cannot be read: Bad file descriptor"])
  }

  @Test func turnedPictureIsTheUprightOneInFilesAndStreams() throws {
    let fixtures = fixtures + "/image"
    let upright = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixtures + "/444.jpg")))
    let exif: [UInt8] =
      [0xFF, 0xE1, 0, 34] + Array("Exif\0\0MM\0*".utf8)
      + [0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0]
    let turned = Array(upright[..<2]) + exif + upright[2...]
    let path = try file("turned.jpg", turned)
    func classified(_ path: String, _ arguments: [String] = []) throws -> [Double]? {
      try logits(run("lvt-infer", [plan, path, "--json", "--logits"] + arguments)).first
    }
    let left = try classified(fixtures + "/444.jpg"), right = try classified(path)
    #expect(left != nil && right != nil && left != right)
    #expect(try classified(path, ["--orientation", "ignore"]) == left)
    #expect(try classified(path, ["--orientation", "exif"]) == right)
    #expect(try logits(stream([], turned)).first == right)
    #expect(try logits(stream(["--orientation", "ignore"], turned)).first == left)

    func predicted(_ arguments: [String]) throws -> [Double]? {
      try logits(
        run(
          "lvt-plan",
          ["predict", demo + "/model.safetensors", "--input", "64", "--json", "--logits"]
            + arguments)
      ).first
    }
    #expect(try predicted([path]) != predicted([fixtures + "/444.jpg"]))
    #expect(
      try predicted([path, "--orientation", "ignore"]) == predicted([fixtures + "/444.jpg"]))
  }

  @Test func folderOfPicturesWithAPipeInItIsReadWithoutIt() throws {
    #expect(mkfifo(folder + "/a.jpg", 0o600) == 0)
    try FileManager.default.copyItem(atPath: picture, toPath: folder + "/b.jpg")
    let outcome = try run("lvt-infer", [plan, folder])
    #expect(outcome.code == 1 && outcome.output.split(separator: "\n").count == 1)
    #expect(
      outcome.errors == [
        "lvt-infer: \(folder)/a.jpg: cannot be read: a pipe or a device, expected a file"
      ])
  }
}
