// SPDX-License-Identifier: Apache-2.0

@testable import LVTCapture

extension Fuzzer {
  /// The first two bytes say what the frames are and how the bytes arrive, the others are the stream's.
  static let frames = Fuzzer(
    name: "frames", summary: "streams of JPEGs, Y4M and raw frames, cut into frames", longest: 4096,
    seeds: {
      let pictures = try repositoryFiles(in: "Tests/Fixtures/image", endingIn: [".jpg"])
      let streams =
        pictures + [
          pictures[0] + [0, 0xFF] + pictures[1],
          Array("FRAME\n0123456789ABFRAME Ip\n0123456789AB".utf8),
        ]
      return streams.flatMap { stream in [0, 0x16].map { [$0, 100] + stream } }
    },
    run: { input in
      guard input.count > 2 else { return }
      let bytes = 1 + Int(input[0] >> 3)
      let content: FrameCutter.Content =
        switch input[0] & 7 {
        case 6: .y4m(bytes)
        case 7: .pixels(bytes)
        default: .jpegs
        }
      try ArrivingFrames(
        content: content, stream: UnsafeRawBufferPointer(rebasing: input[2...]),
        piece: 1 + Int(input[1])
      ).cut()
    })
}

/// A stream that arrives in pieces.
private struct ArrivingFrames {
  let content: FrameCutter.Content
  let stream: UnsafeRawBufferPointer
  /// Bytes that are read at a time.
  let piece: Int

  /// Reads the stream as a pipe is read, and checks what is found in it.
  func cut() throws {
    var cutter = try FrameCutter(content)
    var arrived = 0, found = 0
    var wrong: String?
    do throws(CaptureError) {
      while wrong == nil {
        switch try cutter.next() {
        case .frame(let frame):
          found += frame.count
          wrong = fault(of: frame)
          continue
        case .isUnfinished: continue
        case .needsBytes: break
        }
        if arrived == stream.count {
          guard cutter.finish() else { break }
          continue
        }
        let room = try cutter.room()
        let count = min(piece, room.count, stream.count - arrived)
        if count == 0 { wrong = "no room for more bytes" }
        room.copyMemory(from: UnsafeRawBufferPointer(rebasing: stream[arrived..<arrived + count]))
        cutter.append(count)
        arrived += count
      }
    } catch { _ = error.description }
    if found > stream.count { wrong = "\(found) bytes of frames" }
    if cutter.damaged > stream.count { wrong = "\(cutter.damaged) damaged frames" }
    // What a byte pays for, and that it is moved.
    if cutter.looked > (JPEGWalk.looks + 2) * (stream.count + 8) {
      wrong = "\(cutter.looked) looks"
    }
    if let wrong { throw Finding(description: "\(wrong) in a stream of \(stream.count) bytes") }
  }

  private func fault(of frame: UnsafeRawBufferPointer) -> String? {
    switch content {
    case .jpegs:
      frame.count >= 4 && frame.starts(with: [0xFF, 0xD8])
        && frame.suffix(2).elementsEqual([0xFF, 0xD9])
        ? nil : "a frame that is no JPEG"
    case .pixels(let count), .y4m(let count):
      frame.count == count ? nil : "a frame of \(frame.count) bytes, expected \(count)"
    }
  }
}
