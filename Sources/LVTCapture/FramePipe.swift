// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVTImage

/// Frames from a descriptor: a pipe, a socket, a file.
///
/// It hands out every frame, or, for a live source, always the newest that is complete: a thread of
/// its own then reads as fast as frames come. After the first frames nothing is allocated.
public final class FramePipe {
  /// A frame's own memory.
  private struct Slot {
    let memory: ReusableMemory
    var count = 0
    var nanoseconds: UInt64 = 0
    var number = 0

    func reserve() throws(CaptureError) -> UnsafeMutableRawPointer {
      do throws(ImageError) { return try memory.reserve(count) } catch { throw .image(error) }
    }
  }

  private let descriptor: Int32
  /// Of frames of pixels: known at first, or once the header of a Y4M stream has been read.
  private var layout: FrameLayout?
  private let stop: StopEvent
  private var cutter: FrameCutter
  private var opening: StreamOpening
  private var isOpen = false
  private var number = 0
  private var hasEnded = false
  /// What ended the stream, if not its end.
  private var failure: CaptureError?

  private let mailbox: Mailbox<Slot>?
  private var thread: OpaquePointer?
  private var taken: Slot

  /// A stream of frames.
  ///
  /// - Parameters:
  ///   - descriptor: Where to read; it stays the caller's.
  ///   - layout: Of raw frames of pixels. Without it these are JPEGs, or the frames of a Y4M stream, which
  ///     its first bytes tell apart.
  ///   - colour: What is known of the luma and chroma of a Y4M stream beside its header.
  ///   - isLive: Whether to leave out frames when a newer one is there.
  ///   - stop: Ends the stream.
  /// - Throws: ``CaptureError/image(_:)`` or ``CaptureError/outOfMemory``
  public init(
    descriptor: Int32, layout: FrameLayout? = nil, colour: ColourRequest = ColourRequest(),
    isLive: Bool, stop: StopEvent
  ) throws(CaptureError) {
    self.descriptor = descriptor
    self.layout = layout
    self.stop = stop
    cutter = try FrameCutter(layout.map { .pixels($0.byteCount) } ?? .jpegs)
    opening = StreamOpening(frameBytes: layout?.byteCount, colour: colour)
    taken = Slot(memory: ReusableMemory())
    mailbox = isLive ? try Mailbox(middle: Slot(memory: ReusableMemory())) : nil
    guard isLive else { return }
    let status = lvt_thread_start(
      { context in
        guard let context else { return }
        Unmanaged<FramePipe>.fromOpaque(context).takeUnretainedValue().readAhead()
      }, Unmanaged.passUnretained(self).toOpaque(), &thread)
    guard status == 0 else {
      throw .thread(reason: String(cString: lvt_thread_error_text(status)))
    }
  }

  deinit {
    stop.raise()
    lvt_thread_join(thread)
  }

  /// What was lost so far.
  public var losses: FrameLosses {
    mailbox?.lossesSoFar ?? FrameLosses(dropped: 0, damaged: cutter.damaged)
  }

  /// Waits for the next frame; nil at the end and after a stop.
  ///
  /// - Throws: ``CaptureError``; before the first frame also for a stream that is not what was expected,
  ///   which is known within its first megabyte and two seconds after its first byte.
  public func next() throws(CaptureError) -> Frame? {
    guard let mailbox else {
      guard let bytes = try read() else { return nil }
      number += 1
      return try frame(bytes, nanoseconds: lvt_nanoseconds(), number: number - 1)
    }
    guard let slot = mailbox.take(taken) else {
      if let failure { throw failure }
      return nil
    }
    taken = slot
    return try frame(
      UnsafeRawBufferPointer(start: try slot.reserve(), count: slot.count),
      nanoseconds: slot.nanoseconds, number: slot.number)
  }

  private func frame(
    _ bytes: UnsafeRawBufferPointer, nanoseconds: UInt64, number: Int
  ) throws(CaptureError) -> Frame {
    guard let layout else {
      return Frame(content: .jpeg(bytes), nanoseconds: nanoseconds, number: number)
    }
    do throws(ImageError) {
      let view = try layout.view(bytes)
      return Frame(content: .pixels(view), nanoseconds: nanoseconds, number: number)
    } catch { throw .image(error) }
  }

  /// The next frame of all; nil at the end and after a stop.
  private func read() throws(CaptureError) -> UnsafeRawBufferPointer? {
    if !isOpen { try open() }
    while !lvt_event_has_happened(stop.descriptor) {
      switch try cutter.next() {
      case .frame(let bytes): return bytes
      case .isUnfinished: continue
      case .needsBytes:
        if hasEnded {
          guard cutter.finish() else { return nil }
        } else {
          _ = try receive(for: -1)
        }
      }
    }
    return nil
  }

  /// Reads until the first bytes tell what the stream is.
  private func open() throws(CaptureError) {
    /// The time by which they must.
    var end: UInt64?
    var isLate = false
    while !lvt_event_has_happened(stop.descriptor) {
      switch try opening.verdict(cutter.pending, isAll: isLate || hasEnded) {
      case .undecided: break
      case .y4m(let layout, let line):
        self.layout = layout
        try cutter.beginY4M(frameBytes: layout.byteCount, behind: line)
        isOpen = true
        return
      case .expected:
        isOpen = true
        return
      }
      let now = lvt_nanoseconds()
      let rest = end.map { Int32(($0 - min($0, now)) / 1_000_000) } ?? -1
      isLate = try !receive(for: rest) || rest == 0
      if end == nil { end = lvt_nanoseconds() + StreamOpening.patience }
    }
  }

  /// Waits for bytes, for ever if the time is less than 0; whether something came: bytes, the end or a
  /// stop.
  private func receive(for milliseconds: Int32) throws(CaptureError) -> Bool {
    let room = try cutter.room()
    let ready = lvt_wait_readable(descriptor, stop.descriptor, milliseconds)
    if ready == 0 { return true }
    if lvt_is_timeout(ready) { return false }
    let count = ready < 0 ? Int(ready) : lvt_read(descriptor, room.baseAddress, room.count)
    guard count >= 0 else {
      throw .unreadable(reason: String(cString: lvt_error_text(Int32(count))))
    }
    if count == 0 { hasEnded = true }
    cutter.append(count)
    return true
  }

  /// The thread: leaves each frame in the mailbox.
  private func readAhead() {
    guard let mailbox else { return }
    var slot = Slot(memory: ReusableMemory())
    var damaged = 0
    do throws(CaptureError) {
      while let bytes = try read() {
        slot.count = bytes.count
        slot.nanoseconds = lvt_nanoseconds()
        slot.number = number
        let memory = UnsafeMutableRawBufferPointer(start: try slot.reserve(), count: bytes.count)
        memory.copyMemory(from: bytes)
        number += 1
        mailbox.count(dropped: 0, damaged: cutter.damaged - damaged)
        damaged = cutter.damaged
        slot = mailbox.exchange(slot)
      }
    } catch { failure = error }
    mailbox.count(dropped: 0, damaged: cutter.damaged - damaged)
    mailbox.close()
  }
}
