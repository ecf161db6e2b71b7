// SPDX-License-Identifier: Apache-2.0

@testable import LVTCapture

extension Fuzzer {
  /// The first byte says what is expected, the others are the stream's.
  static let openings = Fuzzer(
    name: "openings", summary: "the first bytes of streams, Y4M headers among them", longest: 2048,
    seeds: {
      let pictures = try repositoryFiles(in: "Tests/Fixtures/image", endingIn: ["20.jpg"])
      var starts = asciiStarts.map { Array($0.utf8) }
      starts += pictures
      starts.append(transportStream)
      return starts.flatMap { start in [[0] + start, [1] + start] }
    },
    run: { input in
      guard let choice = input.first else { return }
      let stream = UnsafeRawBufferPointer(rebasing: input[1...])
      var colour = ColourRequest()
      if choice & 2 != 0 { colour.matrix = .bt709 }
      var opening = StreamOpening(
        frameBytes: choice & 1 == 0 ? nil : 1 + 16 * Int(choice >> 2), colour: colour)
      var isBeyond = false
      do throws(CaptureError) {
        for count in [stream.count / 3, stream.count] {
          let start = UnsafeRawBufferPointer(rebasing: stream[..<count])
          switch try opening.verdict(start, isAll: count == stream.count) {
          case .undecided: continue
          case .expected: return
          case .y4m(_, let line) where line <= start.count: return
          case .y4m: isBeyond = true
          }
        }
      } catch {
        _ = error.description
        return
      }
      throw Finding(
        description: isBeyond
          ? "a header longer than its stream"
          : "no verdict about a whole stream of \(stream.count) bytes")
    })
}

/// Beginnings of streams of which all bytes are ASCII.
private let asciiStarts = [
  "YUV4MPEG2 W4 H2 F30:1 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\nFRAME\n",
  "Content-Type: image/jpeg\r\n\r\n", "P6 640 480 255\n", "\0\0\0\u{18}ftypisom",
  "\0\0\0\u{1}\u{67}\u{4D}\0\u{1F}\0\0\0\u{1}\u{68}\u{6E}",
  "\0\0\u{1}\u{40}\u{1}\0\0\u{1}\u{42}\u{1}",
]

/// Ten packets of a program.
private let transportStream: [UInt8] = (0..<10).flatMap { (packet: UInt8) in
  [0x47, 1, 0, 0x10 | packet] + [UInt8](repeating: 1, count: 184)
}
