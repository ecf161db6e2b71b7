// SPDX-License-Identifier: Apache-2.0

import Foundation
import LVTImage
import Testing

@testable import LVTCapture

/// What a pipe's first bytes make of it.
struct StreamOpeningTests {
  private let good: [[UInt8]]

  init() throws { good = try ["420.jpg", "grey.jpg"].map(fixture) }

  /// The pictures that a stream's frames are, as RGB.
  private func pictures(
    _ bytes: [UInt8], layout: FrameLayout? = nil, colour: ColourRequest = ColourRequest()
  ) throws -> [[UInt8]] {
    let source = pipeline(bytes)
    let frames = try FramePipe(
      descriptor: source.fileHandleForReading.fileDescriptor, layout: layout, colour: colour,
      isLive: false, stop: StopEvent())
    var found: [[UInt8]] = []
    while let frame = try frames.next() {
      guard case .pixels(let view) = frame.content else { break }
      found.append(try Image(view).bytes)
    }
    return found
  }

  /// A frame of 6 × 4 pixels as I420.
  private let planes = (0..<36).map { UInt8(truncatingIfNeeded: 90 + $0 * $0) }

  @Test func y4mIsTheFramesThatItsHeaderDescribes() throws {
    func stream(_ fields: String, _ line: String = "FRAME") -> [UInt8] {
      Array("YUV4MPEG2 W6 H4 F25:1\(fields)\n\(line)\n".utf8) + planes
        + Array("\(line)\n".utf8) + planes
    }
    let limited = try pictures(planes, layout: FrameLayout(format: .yu12, width: 6, height: 4))
    let full = try pictures(
      planes,
      layout: FrameLayout(
        format: .yu12, width: 6, height: 4, colour: ColourEncoding(range: .full)))
    #expect(limited.count == 1 && full.count == 1 && limited != full)
    for (stream, expected) in [
      (stream(""), limited), (stream(" C420jpeg Ip A1:1 XYSCSS=420JPEG"), limited),
      (stream(" C420mpeg2 I? XCOLORRANGE=LIMITED"), limited), (stream(" C420paldv"), limited),
      (stream(" XCOLORRANGE=FULL"), full), (stream("", "FRAME Xa=b"), limited),
    ] {
      #expect(try pictures(stream) == expected + expected)
    }
    var request = ColourRequest()
    request.range = .full
    #expect(try pictures(stream(""), colour: request) == full + full)
    let grey = try pictures(Array("YUV4MPEG2 W6 H6 Cmono\nFRAME\n".utf8) + planes)
    #expect(grey == [planes.flatMap { [$0, $0, $0] }])
  }

  @Test(arguments: [
    "YUV4MPEG2 H4\n", "YUV4MPEG2 W6\n", "YUV4MPEG2 W0 H4\n", "YUV4MPEG2 W-6 H4\n",
    "YUV4MPEG2 W6 H65536\n", "YUV4MPEG2 W6 H99999999999999999999\n", "YUV4MPEG2 W6 H4 C444\n",
    "YUV4MPEG2 W6 H4 C420p10\n", "YUV4MPEG2 W6 H4 It\n", "YUV4MPEG2 W6 H4",
    "YUV4MPEG2 W6 H4 " + String(repeating: "X", count: 2000) + "\n", "YUV4MPEG2 W60000 H60000\n",
    "YUV4MPEG2 W6 H4\nFRAMES\n", "YUV4MPEG2 W6 H4\nframe\n",
    "YUV4MPEG2 W6 H4\nFRAME " + String(repeating: "X", count: 2000) + "\n",
  ])
  func y4mThatIsNotReadIsOneLine(text: String) throws {
    do throws(CaptureError) {
      _ = try frames(Array(text.utf8) + planes)
      Issue.record("it was read")
    } catch {
      switch error {
      case .y4m, .unsupportedY4M, .longFrames: #expect(!error.description.contains("\n"))
      default: Issue.record("\(error)")
      }
    }
  }

  @Test func y4mFrameCutShortIsDamaged() throws {
    for rest in [Array("FRAME\n".utf8), Array("FRAME\n".utf8) + planes.dropLast()] {
      let source = pipeline(Array("YUV4MPEG2 W6 H4\nFRAME\n".utf8) + planes + rest)
      let frames = try FramePipe(
        descriptor: source.fileHandleForReading.fileDescriptor, isLive: true, stop: StopEvent())
      while try frames.next() != nil {}
      #expect(frames.losses == FrameLosses(dropped: 0, damaged: 1))
    }
  }

  /// How many frames a stream has.
  private func frames(
    _ bytes: [UInt8], layout: FrameLayout? = nil, colour: ColourRequest = ColourRequest()
  ) throws(CaptureError) -> Int {
    let source = pipeline(bytes)
    let frames = try FramePipe(
      descriptor: source.fileHandleForReading.fileDescriptor, layout: layout, colour: colour,
      isLive: false, stop: StopEvent())
    var count = 0
    while try frames.next() != nil { count += 1 }
    return count
  }

  @Test func streamThatCannotBeMeantIsRefused() throws {
    let y4m = Array("YUV4MPEG2 W6 H4\nFRAME\n".utf8) + planes
    let layout = try FrameLayout(format: .rgb8, width: 8, height: 8)
    for (bytes, kind) in [(good[0], StreamKind.jpeg), (y4m, .y4m)] {
      #expect(throws: CaptureError.wrongStream(kind, expected: "raw frames")) {
        try frames(bytes, layout: layout)
      }
    }
    let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    #expect(throws: CaptureError.wrongStream(.png, expected: "JPEGs or Y4M")) { try frames(png) }
    #expect(throws: CaptureError.unknownStream(start: "00 00 00 00", count: 1 << 20)) {
      try frames([UInt8](repeating: 0, count: 5 << 20))
    }
    #expect(throws: CaptureError.unknownStream(start: "01 02 03", count: 3)) {
      try frames([1, 2, 3])
    }
    var colour = ColourRequest()
    colour.matrix = .bt709
    #expect(throws: CaptureError.coloursOfJPEG) { try frames(good[0], colour: colour) }
  }

  @Test func fewBytesBeforeASilenceAreRefused() throws {
    let source = Pipe()
    try source.fileHandleForWriting.write(contentsOf: [1, 2, 3])
    let frames = try FramePipe(
      descriptor: source.fileHandleForReading.fileDescriptor, isLive: true, stop: StopEvent())
    #expect(throws: CaptureError.unknownStream(start: "01 02 03", count: 3)) { try frames.next() }
    withExtendedLifetime(source) {}
  }

  @Test func jpegBehindOtherBytesIsFound() throws {
    let noise = [UInt8](repeating: 7, count: 900_000)
    let http = Array("--frame\r\nContent-Type: image/jpeg\r\n\r\n".utf8)
    #expect(try frames(noise + good[0] + http + good[1]) == 2)
    #expect(try frames(http + good[0] + http + good[1]) == 2)
    let avi = Array("RIFF\0\0\0\0AVI LIST".utf8)
    #expect(try frames(avi + good[0]) == 1)
  }

  @Test func layoutIsChecked() throws {
    #expect(throws: CaptureError.longFrames(bytes: 3 << 26, most: 64 << 20)) {
      try FrameLayout(format: .rgb8, width: 8192, height: 8192)
    }
    #expect(throws: CaptureError.image(.stride(least: 8, found: 7))) {
      try FrameLayout(format: .yu12, width: 8, height: 8, stride: 7)
    }
    let spread = try FrameLayout(format: .yu12, width: 6, height: 4, stride: 8)
    var bytes: [UInt8] = []
    for row in 0..<4 { bytes += planes[6 * row..<6 * row + 6] + [0, 0] }
    for row in 0..<4 { bytes += planes[24 + 3 * row..<27 + 3 * row] + [0] }
    let expected = try pictures(planes, layout: FrameLayout(format: .yu12, width: 6, height: 4))
    #expect(bytes.count == spread.byteCount)
    #expect(try pictures(bytes + bytes, layout: spread) == expected + expected)
  }

  @Test func colourRequestIsMadeOfWords() {
    let encoding = ColourEncoding(matrix: .bt601, range: .limited)
    for (text, expected) in [
      ("bt709", ColourEncoding(matrix: .bt709, range: .limited)),
      ("full", ColourEncoding(matrix: .bt601, range: .full)),
      ("full,bt709", ColourEncoding(matrix: .bt709, range: .full)),
      ("bt601,limited", encoding),
    ] {
      #expect(ColourRequest(text: text)?.over(encoding) == expected)
    }
    for text in ["", ",", "bt601,", "bt601,bt709", "full,limited", "BT709", "bt2020", "full,full"] {
      #expect(ColourRequest(text: text) == nil)
    }
  }
}
