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
  private let encoding: FrameEncoding
  private let width, height: Int
  private let stop: StopEvent
  private var cutter: FrameCutter
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
  ///   - encoding: What the frames are.
  ///   - width: Of frames of pixels; JPEGs know their own size.
  ///   - height: As `width`.
  ///   - isLive: Whether to leave out frames when a newer one is there.
  ///   - stop: Ends the stream.
  /// - Throws: ``CaptureError/image(_:)`` for a size that is not possible, or
  ///   ``CaptureError/outOfMemory``
  public init(
    descriptor: Int32, encoding: FrameEncoding, width: Int = 0, height: Int = 0, isLive: Bool,
    stop: StopEvent
  ) throws(CaptureError) {
    var size: Int?
    if case .pixels(let format) = encoding {
      do throws(ImageError) {
        size = try ImageView.byteCount(format: format, width: width, height: height)
      } catch { throw .image(error) }
    }
    self.descriptor = descriptor
    self.encoding = encoding
    self.width = width
    self.height = height
    self.stop = stop
    cutter = try FrameCutter(fixedSize: size)
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
    switch encoding {
    case .jpeg: return Frame(content: .jpeg(bytes), nanoseconds: nanoseconds, number: number)
    case .pixels(let format):
      do throws(ImageError) {
        let view = try ImageView(format: format, width: width, height: height, bytes: bytes)
        return Frame(content: .pixels(view), nanoseconds: nanoseconds, number: number)
      } catch { throw .image(error) }
    }
  }

  /// The next frame of all.
  private func read() throws(CaptureError) -> UnsafeRawBufferPointer? {
    while true {
      if let frame = cutter.next() { return frame }
      if hasEnded {
        guard cutter.finish() else { return nil }
        continue
      }
      let room = try cutter.room()
      let ready = lvt_wait_readable(descriptor, stop.descriptor, -1)
      guard ready != 0 else { return nil }
      let count = ready < 0 ? Int(ready) : lvt_read(descriptor, room.baseAddress, room.count)
      guard count >= 0 else {
        throw .unreadable(reason: String(cString: lvt_error_text(Int32(count))))
      }
      if count == 0 { hasEnded = true }
      cutter.append(count)
    }
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
