// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVTImage

/// Cuts bytes that arrive in pieces into frames.
struct FrameCutter: ~Copyable {
  /// What frames are.
  enum Content {
    case jpegs
    /// So many bytes each.
    case pixels(Int)
    /// The same, each behind a line of its own.
    case y4m(Int)
  }

  /// What a call of `next` came to.
  enum Outcome {
    /// A complete frame; valid until room is asked for.
    case frame(UnsafeRawBufferPointer)
    /// There is none before more bytes are there.
    case needsBytes
    /// Much was looked at, and the caller may have something else to do first.
    case isUnfinished
  }

  /// The longest frame, and nearly the most memory that a stream can ask for.
  static let longest = 64 << 20
  private static let piece = 1 << 16

  private var content: Content
  private var base: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  /// Where the next frame starts, where the bytes end.
  private var start = 0, end = 0
  /// Of JPEGs.
  private var walk = JPEGWalk(longest: FrameCutter.longest)
  /// Of Y4M, whether the line before the pixels has been passed.
  private var isAtPixels = false
  private var cutShort = 0

  init(_ content: Content) throws(CaptureError) {
    self.content = content
    capacity = max(Self.needed(content), Self.piece)
    guard let memory = lvt_allocate(capacity) else { throw .image(.outOfMemory(bytes: capacity)) }
    base = memory.assumingMemoryBound(to: UInt8.self)
  }

  deinit { lvt_free(base) }

  /// Bytes of a frame of a known size with what is before it.
  private static func needed(_ content: Content) -> Int {
    switch content {
    case .jpegs: 0
    case .pixels(let count): count
    case .y4m(let count): Y4MHeader.longest + count
    }
  }

  /// Frames that were damaged or cut short.
  var damaged: Int { walk.damaged + cutShort }

  /// How often bytes were looked at or moved while JPEGs were looked for.
  var looked: Int { walk.looked }

  // MARK: Bytes

  /// The bytes behind the last frame.
  var pending: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + start, count: end - start)
  }

  /// Room for more bytes, at least one; the frame that was found last is gone.
  mutating func room() throws(CaptureError) -> UnsafeMutableRawBufferPointer {
    if start > 0 {
      base.update(from: base + start, count: end - start)
      if case .jpegs = content { walk.move(end - start) }
      end -= start
      start = 0
    }
    if end == capacity { try grow(to: 2 * capacity) }
    // Of pixels no more than the frame's, so that the next one starts at the front.
    let needed = Self.needed(content)
    return UnsafeMutableRawBufferPointer(
      start: base + end, count: (end < needed ? needed : capacity) - end)
  }

  private mutating func grow(to wanted: Int) throws(CaptureError) {
    guard let memory = lvt_allocate(wanted) else { throw .image(.outOfMemory(bytes: wanted)) }
    let bytes = memory.assumingMemoryBound(to: UInt8.self)
    bytes.update(from: base, count: end)
    lvt_free(base)
    (base, capacity) = (bytes, wanted)
  }

  /// Says how many bytes were written there.
  mutating func append(_ count: Int) { end += count }

  /// Says before the first frame that the stream is one of Y4M, and how long its first line is.
  mutating func beginY4M(frameBytes: Int, behind line: Int) throws(CaptureError) {
    content = .y4m(frameBytes)
    start += line
    let needed = Self.needed(content)
    if capacity < needed { try grow(to: needed) }
  }

  // MARK: Frames

  /// The next complete frame.
  ///
  /// - Throws: ``CaptureError/y4m(reason:)`` where a frame of a Y4M stream does not begin as one.
  mutating func next() throws(CaptureError) -> Outcome {
    switch content {
    case .jpegs:
      defer { start = walk.start }
      switch walk.next(base, end: end) {
      case .frame(let range):
        return .frame(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
      case .needsBytes: return .needsBytes
      case .isUnfinished: return .isUnfinished
      }
    case .pixels(let count): return nextPixels(count)
    case .y4m(let count):
      if !isAtPixels { isAtPixels = try passLine() }
      return isAtPixels ? nextPixels(count) : .needsBytes
    }
  }

  private mutating func nextPixels(_ count: Int) -> Outcome {
    guard end - start >= count else { return .needsBytes }
    defer {
      start += count
      isAtPixels = false
    }
    return .frame(UnsafeRawBufferPointer(start: base + start, count: count))
  }

  /// Passes over `FRAME`, perhaps with parameters, and the end of the line; whether it is there.
  private mutating func passLine() throws(CaptureError) -> Bool {
    let bytes = UnsafeRawBufferPointer(rebasing: pending.prefix(Y4MHeader.longest))
    let mark: StaticString = "FRAME"
    let count = mark.utf8CodeUnitCount
    guard bytes.indices.prefix(count).allSatisfy({ bytes[$0] == mark.utf8Start[$0] }),
      bytes.count <= count || bytes[count] == 0x20 || bytes[count] == 0x0A
    else { throw .y4m(reason: "with a damaged frame, which does not begin with FRAME") }
    guard let line = bytes.firstIndex(of: 0x0A) else {
      guard bytes.count < Y4MHeader.longest else {
        throw .y4m(reason: "with a damaged frame, whose first line does not end")
      }
      return false
    }
    start += line + 1
    return true
  }

  /// Says that there are no more bytes: what is left is a frame cut short, or holds more frames behind
  /// one that is.
  ///
  /// - Returns: Whether there may be more frames.
  mutating func finish() -> Bool {
    if case .jpegs = content {
      defer { start = walk.start }
      return walk.finish(end: end)
    }
    if start < end || isAtPixels { cutShort += 1 }
    (start, isAtPixels) = (end, false)
    return false
  }
}
