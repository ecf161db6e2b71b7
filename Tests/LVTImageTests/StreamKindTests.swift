// SPDX-License-Identifier: Apache-2.0

import LVTImage
import LVTModel
import Testing

@testable import LVTCapture

struct StreamKindTests {
  /// The first bytes of a stream of each kind, as programs write them.
  static let streams: [(StreamKind, [UInt8])] = [
    (.jpeg, [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xDB]),
    (.y4m, Array("YUV4MPEG2 W6".utf8)),
    (.png, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
    (.gif, Array("GIF89a".utf8)),
    (.bmp, Array("BM".utf8) + [9, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0]),
    (.tiff, [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0]),
    (.webp, Array("RIFF....WEBPVP8 ".utf8)),
    (.pnm, Array("P6\n640 480\n255\n".utf8)),
    (
      .h264,
      [0, 0, 0, 1, 0x67, 0x42, 0xC0, 0x1E, 0xD9, 0, 0, 0, 1, 0x68, 0xCE, 0x3C, 0x80, 0, 0, 1, 0x65]
    ),
    (  // a delimiter and a message before the parameters
      .h264,
      [0, 0, 0, 1, 0x09, 0xF0, 0, 0, 1, 0x06, 5, 1, 2, 0, 0, 1, 0x67, 0x64, 0, 0x28, 0xAC]
        + [0, 0, 1, 0x68, 0xEE, 0, 0]
    ),
    (
      .h265,
      [0, 0, 0, 1, 0x40, 1, 0x0C, 1, 0xFF, 0, 0, 0, 1, 0x42, 1, 1, 1, 0x60, 0, 0, 0, 1, 0x44, 1, 0]
    ),
    (.mpegVideo, [0, 0, 1, 0xB3, 0x14, 0, 0xF0, 0x13, 0xFF, 0xFF, 0xE0, 0x18, 0, 0, 1, 0xB5, 0]),
    (.mpegPS, [0, 0, 1, 0xBA, 0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xF8, 0, 0, 1, 0xBB, 0, 9]),
    (.heif, [0, 0, 0, 24] + Array("ftypheic".utf8)),
    (.heif, [0, 0, 0, 28] + Array("ftypavif".utf8)),
    (.pdf, Array("%PDF-1.7\n".utf8)),
    (.mp4, [0, 0, 0, 32] + Array("ftypisom".utf8)),
    (.mp4, [0, 0, 0, 8] + Array("wide".utf8)),
    (.matroska, [0x1A, 0x45, 0xDF, 0xA3, 0xA3, 0x42, 0x82, 0x84] + Array("webm".utf8)),
    (.avi, Array("RIFF....AVI LIST".utf8)),
    (.flv, [0x46, 0x4C, 0x56, 1, 1, 0, 0, 0, 9]),
    (.ogg, [0x4F, 0x67, 0x67, 0x53, 0, 2, 0]),
    (.ivf, Array("DKIF".utf8) + [0, 0, 32, 0, 0x56]),
    (.gzip, [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]),
    (.tiff, [0x4D, 0x4D, 0, 0x2A, 0, 0, 0x10, 0]),
    (.tiff, [0x49, 0x49, 0x2A, 0, 0x10, 0x27, 0, 0]),
    (.wav, Array("RIFF....WAVEfmt ".utf8)),
    (.archive, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]),
    (.archive, [0x28, 0xB5, 0x2F, 0xFD, 4]),
    (.archive, Array("BZh9".utf8) + [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]),
    (.archive, [UInt8](repeating: 0, count: 257) + Array("ustar".utf8)),
    (.multipart, Array("--ffmpeg\r\nContent-type: image/jpeg\r\n".utf8)),
    (.text, Array("ERROR: no cameras available\nsee the log\n".utf8)),
    (.text, Array("{\"frames\":[1,2,3],\n\"x\":0}\n".utf8)),
    (.text, Array("a;1,5;2,5\n0;3,25;4\n".utf8)),
    (.text, Array("Größe geändert: überall\n".utf8)),
    (.text, [0xFF, 0xFE] + Array("no camera\n".utf16).flatMap { [UInt8($0), 0] }),
  ]

  private func kind(
    _ bytes: [UInt8], isAll: Bool = true, mayBePixels: Bool = true
  ) -> StreamKind? {
    bytes.withUnsafeBytes { StreamKind($0, isAll: isAll, mayBePixels: mayBePixels) }
  }

  /// Packets of an MPEG transport stream: of two programs in turn, which count.
  private func packets(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for i in 0..<count {
      bytes += [0x47, 0x40, UInt8(i % 2), 0x10 | UInt8(i / 2 % 16)]
      bytes += (0..<184).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ i) }
    }
    return bytes
  }

  @Test func everyKindIsKnown() {
    for (kind, bytes) in Self.streams {
      for mayBePixels in [true, false] {
        #expect(self.kind(bytes, mayBePixels: mayBePixels) == kind)
      }
      #expect(self.kind(bytes + [1, 2, 3], isAll: false) == (kind == .text ? nil : kind))
      #expect(self.kind(Array(bytes.prefix(2))) == nil)
    }
    for joined in [0, 1, 100, 187] {
      #expect(kind(Array(packets(12).dropFirst(joined))) == .mpegTS)
    }
    let plain = packets(12)
    var timed: [UInt8] = []
    for i in 0..<12 {
      timed += [0, 0, UInt8(i), 7]
      timed += plain[188 * i..<188 * (i + 1)]
    }
    #expect(kind(timed) == .mpegTS)
    let known = Set(Self.streams.map { $0.0 } + [.mpegTS])
    #expect(known.count == StreamKind.allCases.count)
    #expect(Set(StreamKind.allCases.map { $0.name }).count == known.count)
  }

  @Test func pixelsAreNotTakenForAnyOther() throws {
    func expectPixels(_ bytes: [UInt8], _ what: String) {
      #expect(kind(bytes) == nil, "\(what)")
    }
    for value in 0...255 {
      let value = UInt8(value)
      // One shade, and shades around it, as of a wall.
      expectPixels([UInt8](repeating: value, count: 5000), "\(value)")
      expectPixels((0..<5000).map { value &+ UInt8($0 * $0 % 7) }, "about \(value)")
      expectPixels((0..<5000).map { UInt8($0 % 188) &+ value }, "a slope of 188 columns")
    }
    // Black, and black with bright points: start codes with nothing behind them.
    for point in 0...255 {
      for place in [2, 3, 9] {
        var row = [UInt8](repeating: 0, count: 64)
        (row[place], row[place + 1]) = (1, UInt8(point))
        let frame = (0..<70).flatMap { _ in row }
        expectPixels(frame, "01 \(point)")
      }
    }
    var generator = SplitMix64(seed: 3)
    for width in [188, 64, 640] {
      for _ in 0..<300 {
        let row = (0..<width).map { _ in
          [0x47, 0x40, 0, 1, 0x10, 0x67, 0xFF, 0xD8, UInt8.random(in: 0...255, using: &generator)]
            .randomElement(using: &generator) ?? 0
        }
        expectPixels((0...4200 / width).flatMap { _ in row }, "rows that repeat")
      }
    }
    for value in [0x47, 0x20] as [UInt8] {
      // A dark edge beside a column of the sync byte, in rows of its distance.
      let row = [value, 0x40, 0x39, 0x32] + [UInt8](repeating: 50, count: 184)
      expectPixels((0..<25).flatMap { _ in row }, "a column of \(value)")
    }
    for seed in 0..<200 {
      expectPixels(try noise(seed: UInt64(seed), width: 60, height: 30).bytes, "noise")
    }
  }

  @Test func longestStreamsAreNotReadPastTheirEnd() {
    for (_, bytes) in Self.streams + [(.mpegTS, packets(6))] {
      for count in 0...bytes.count {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes.prefix(count))
        _ = StreamKind(UnsafeRawBufferPointer(copy), isAll: true, mayBePixels: false)
      }
    }
  }
}
