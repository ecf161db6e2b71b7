// SPDX-License-Identifier: Apache-2.0

/// Finds the JPEGs in bytes of which more and more arrive.
///
/// A JPEG goes from a start marker to its end marker, which is found by walking over the segments
/// between them, since one in a segment (a preview) is none of the stream's. Bytes outside are passed
/// over. A walk that fails, meets the start of another picture or goes on for too long counts a damaged
/// frame; the next one resumes just behind its start.
///
/// So bytes may be looked at again, but not without end: each byte that is reached for the first time
/// pays for ``looks`` looks. A walk that fails when these are spent resumes behind all that was reached.
struct JPEGWalk {
  /// What a call of `next` came to.
  enum Outcome {
    /// Where a frame is.
    case frame(Range<Int>)
    /// There is none before more bytes are there.
    case needsBytes
    /// Much was looked at, and the caller may have something else to do first.
    case isUnfinished
  }

  private enum Place {
    /// Outside a frame.
    case outside
    /// At a marker.
    case marker
    /// In compressed data, which ends at a marker.
    case data
  }

  /// How often a byte may be looked at, on the average of a stream.
  static let looks = 8
  /// Bytes that a call looks at.
  private static let slice = 1 << 18

  /// The longest frame.
  private let longest: Int
  /// Where a frame starts: what is before it is not needed any more.
  private(set) var start = 0
  /// How far the walk is, which may be behind the end, and how far any walk was.
  private var cursor = 0, reach = 0
  private var place = Place.outside
  /// Looks that are paid for.
  private var credit = 0
  /// Frames that were damaged or cut short.
  private(set) var damaged = 0
  /// Looks so far, and bytes that were moved.
  private(set) var looked = 0

  init(longest: Int) { self.longest = longest }

  /// Says that the bytes from the start on were moved to the front.
  mutating func move(_ count: Int) {
    looked += count
    credit -= count
    cursor -= start
    reach = max(0, reach - start)
    start = 0
  }

  /// Goes on until a frame ends, in the bytes before `end`.
  mutating func next(_ bytes: UnsafePointer<UInt8>, end: Int) -> Outcome {
    let before = looked
    while looked - before < Self.slice {
      switch step(bytes, end) {
      case .frame(let range): return .frame(range)
      case .isUnfinished: continue
      case .needsBytes:
        guard end - start >= longest else { return .needsBytes }
        fail(end)
      }
    }
    return .isUnfinished
  }

  /// Says that there are no more bytes: what is left is a frame cut short, or holds more frames behind
  /// one that is.
  ///
  /// - Returns: Whether there may be more frames.
  mutating func finish(end: Int) -> Bool {
    guard place != .outside else { return false }
    fail(end)
    return true
  }

  /// Goes to the next marker, segment or end of a slice.
  private mutating func step(_ bytes: UnsafePointer<UInt8>, _ end: Int) -> Outcome {
    let from = cursor
    var isSegment = false
    // Of a segment only the marker and the length, which are four bytes, are looked at.
    defer { look(isSegment ? 4 : max(1, cursor - from), end) }
    switch place {
    case .outside:
      let limit = min(end - 2, cursor + Self.slice)
      while cursor < limit, !Self.isStart(bytes + cursor) { cursor += 1 }
      start = cursor
      guard cursor < limit else { return cursor + 2 < end ? .isUnfinished : .needsBytes }
      cursor += 2
      place = .marker
    case .data:
      let limit = min(end, cursor + Self.slice)
      while cursor < limit, bytes[cursor] != 0xFF { cursor += 1 }
      guard cursor + 1 < end else { return .needsBytes }
      guard cursor < limit else { break }
      switch bytes[cursor + 1] {
      case 0x00, 0xD0...0xD7: cursor += 2
      default: place = .marker
      }
    case .marker:
      guard cursor + 1 < end else { return .needsBytes }
      guard bytes[cursor] == 0xFF else {
        fail(end)
        break
      }
      switch bytes[cursor + 1] {
      case 0xFF: cursor += 1  // padding
      case 0x01, 0xD0...0xD7: cursor += 2
      case 0x00: fail(end)
      case 0xD8:
        damaged += 1
        place = .outside
      case 0xD9:
        let frame = start..<cursor + 2
        cursor += 2
        start = cursor
        place = .outside
        return .frame(frame)
      case let code:
        guard cursor + 3 < end else { return .needsBytes }
        let length = Int(bytes[cursor + 2]) << 8 | Int(bytes[cursor + 3])
        guard length >= 2 else {
          fail(end)
          break
        }
        isSegment = true
        cursor += 2 + length
        place = code == 0xDA ? .data : .marker
      }
    }
    return .isUnfinished
  }

  private mutating func look(_ count: Int, _ end: Int) {
    looked += count
    credit -= count
    let reached = min(cursor, end)
    if reached > reach {
      // Never more than all bytes that are kept may need.
      credit = min(credit + Self.looks * (reached - reach), Self.looks * longest)
      reach = reached
    }
  }

  /// Gives a frame up.
  private mutating func fail(_ end: Int) {
    damaged += 1
    start = credit > 0 ? start + 2 : max(start + 2, min(reach, end))
    cursor = start
    place = .outside
  }

  private static func isStart(_ bytes: UnsafePointer<UInt8>) -> Bool {
    bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF
  }
}
