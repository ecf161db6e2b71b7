// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVTImage

/// Cuts bytes that arrive in pieces into frames.
///
/// A JPEG goes from a start marker to its end marker, which is found by walking over the segments
/// between them, since one in a segment (a preview) is none of the stream's. Bytes outside are passed
/// over. A walk that fails, or meets the start of another picture, counts a damaged frame and goes on
/// just behind its start.
struct FrameCutter: ~Copyable {
  /// The longest frame, and so the most memory that a stream can ask for.
  static let longest = 64 << 20
  private static let piece = 1 << 16

  private enum Place {
    /// Outside a frame.
    case outside
    /// At a marker.
    case marker
    /// In compressed data, which ends at a marker.
    case data
  }

  /// Bytes of a frame, or nil for JPEGs.
  private let fixedSize: Int?
  private var base: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  /// Where a frame starts, how far the walk is (it may be beyond the end), where the bytes end.
  private var start = 0, cursor = 0, end = 0
  private var place = Place.outside
  /// Frames that were damaged or cut short.
  private(set) var damaged = 0

  /// - Parameter fixedSize: Bytes of a frame; nil for JPEGs.
  init(fixedSize: Int?) throws(CaptureError) {
    self.fixedSize = fixedSize
    capacity = max(fixedSize ?? 0, Self.piece)
    guard capacity <= Self.longest, let memory = lvt_allocate(capacity) else {
      throw .image(.outOfMemory(bytes: capacity))
    }
    base = memory.assumingMemoryBound(to: UInt8.self)
  }

  deinit { lvt_free(base) }

  /// Room for more bytes; the frame that was found last is gone.
  mutating func room() throws(CaptureError) -> UnsafeMutableRawBufferPointer {
    if start > 0 {
      base.update(from: base + start, count: end - start)
      cursor -= start
      end -= start
      start = 0
    }
    if end == capacity, capacity >= Self.longest { fail() }
    if end == capacity {
      let larger = min(2 * capacity, Self.longest)
      guard let memory = lvt_allocate(larger) else { throw .outOfMemory }
      let bytes = memory.assumingMemoryBound(to: UInt8.self)
      bytes.update(from: base, count: end)
      lvt_free(base)
      (base, capacity) = (bytes, larger)
    }
    // Of pixels no more than the frame's, so that the next one starts at the front.
    return UnsafeMutableRawBufferPointer(
      start: base + end, count: (fixedSize ?? capacity) - end)
  }

  /// Says how many bytes were written there.
  mutating func append(_ count: Int) { end += count }

  /// The next complete frame; valid until room is asked for.
  mutating func next() -> UnsafeRawBufferPointer? {
    if let fixedSize {
      guard end - start >= fixedSize else { return nil }
      defer { start = end }
      return UnsafeRawBufferPointer(start: base + start, count: fixedSize)
    }
    while true {
      switch place {
      case .outside:
        while cursor + 2 < end, !isStart(cursor) { cursor += 1 }
        start = min(cursor, end)
        guard cursor + 2 < end else { return nil }
        cursor += 2
        place = .marker
      case .data:
        while cursor < end, base[cursor] != 0xFF { cursor += 1 }
        guard cursor + 1 < end else { return nil }
        switch base[cursor + 1] {
        case 0x00, 0xD0...0xD7: cursor += 2
        default: place = .marker
        }
      case .marker:
        guard cursor + 1 < end else { return nil }
        guard base[cursor] == 0xFF else {
          fail()
          continue
        }
        switch base[cursor + 1] {
        case 0xFF: cursor += 1  // padding
        case 0x01, 0xD0...0xD7: cursor += 2
        case 0x00: fail()
        case 0xD8:
          damaged += 1
          place = .outside
        case 0xD9:
          let frame = UnsafeRawBufferPointer(start: base + start, count: cursor + 2 - start)
          cursor += 2
          start = cursor
          place = .outside
          return frame
        case let code:
          guard cursor + 3 < end else { return nil }
          let length = Int(base[cursor + 2]) << 8 | Int(base[cursor + 3])
          guard length >= 2 else {
            fail()
            continue
          }
          cursor += 2 + length
          place = code == 0xDA ? .data : .marker
        }
      }
    }
  }

  /// Says that there are no more bytes: what is left is a frame cut short, or holds more frames behind
  /// one that is.
  ///
  /// - Returns: Whether there may be more frames.
  mutating func finish() -> Bool {
    guard start < end, fixedSize != nil || place != .outside else { return false }
    fail()
    return fixedSize == nil
  }

  /// Gives a frame up.
  private mutating func fail() {
    damaged += 1
    guard fixedSize == nil else {
      start = end
      return
    }
    start += 2
    cursor = start
    place = .outside
  }

  private func isStart(_ i: Int) -> Bool {
    base[i] == 0xFF && base[i + 1] == 0xD8 && base[i + 2] == 0xFF
  }
}
