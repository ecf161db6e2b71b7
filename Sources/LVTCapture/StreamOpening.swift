// SPDX-License-Identifier: Apache-2.0

/// Decides by a stream's first bytes whether it can be what was asked for.
struct StreamOpening {
  /// What is made of the bytes.
  enum Verdict {
    /// They tell nothing yet.
    case undecided
    /// They are what was asked for.
    case expected
    /// A Y4M stream that is read, and the bytes of its first line.
    case y4m(FrameLayout, line: Int)
  }

  /// Within so many bytes a JPEG must start.
  static let longest = 1 << 20
  /// Nanoseconds from the first byte on within which the rest of what tells the kind must come.
  static let patience: UInt64 = 2_000_000_000

  /// Bytes of a frame of pixels; nil where JPEGs or Y4M are expected.
  let frameBytes: Int?
  let colour: ColourRequest
  /// How far a JPEG has been looked for.
  private var searched = 0
  /// The kind, once there are so many bytes that more do not make it better known.
  private var settled: StreamKind??

  init(frameBytes: Int?, colour: ColourRequest) {
    self.frameBytes = frameBytes
    self.colour = colour
  }

  /// Looks at all the bytes so far.
  ///
  /// - Parameter isAll: Whether there is no time to wait for more, or there are none.
  /// - Throws: ``CaptureError``, for a stream that cannot be meant.
  mutating func verdict(
    _ bytes: UnsafeRawBufferPointer, isAll: Bool
  ) throws(CaptureError) -> Verdict {
    guard !bytes.isEmpty else { return isAll ? .expected : .undecided }
    let isAll = isAll || bytes.count >= frameBytes ?? Self.longest
    let kind = settled ?? StreamKind(bytes, isAll: isAll, mayBePixels: frameBytes != nil)
    if bytes.count >= StreamKind.window { settled = .some(kind) }
    if frameBytes != nil {
      if let kind { throw .wrongStream(kind, expected: "raw frames") }
      return isAll || bytes.count >= StreamKind.window ? .expected : .undecided
    }
    if kind == .y4m { return try header(bytes, isAll: isAll) }
    if let kind, kind != .jpeg, !kind.mayHoldJPEGs || isAll && !holdsJPEG(bytes) {
      throw .wrongStream(kind, expected: "JPEGs or Y4M")
    }
    if holdsJPEG(bytes) {
      guard colour.isEmpty else { throw .coloursOfJPEG }
      return .expected
    }
    guard isAll else { return .undecided }
    throw .unknownStream(
      start: hexadecimal(UnsafeRawBufferPointer(rebasing: bytes.prefix(4))), count: bytes.count)
  }

  private func header(
    _ bytes: UnsafeRawBufferPointer, isAll: Bool
  ) throws(CaptureError) -> Verdict {
    let start = bytes.prefix(Y4MHeader.longest)
    guard let end = start.firstIndex(of: 0x0A) else {
      guard !isAll, start.count < Y4MHeader.longest else {
        throw .y4m(reason: "whose first line does not end")
      }
      return .undecided
    }
    return .y4m(try Y4MHeader(start[..<end], colour: colour).layout, line: end + 1)
  }

  /// Whether a JPEG starts anywhere.
  private mutating func holdsJPEG(_ bytes: UnsafeRawBufferPointer) -> Bool {
    while searched + 3 < bytes.count {
      if bytes[searched] == 0xFF, bytes[searched + 1] == 0xD8, bytes[searched + 2] == 0xFF,
        JPEGMarker.mayBeFirst(bytes[searched + 3])
      {
        return true
      }
      searched += 1
    }
    return false
  }
}
