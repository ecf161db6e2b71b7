// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import CLVTV4L2
internal import LVTImage

/// What is asked of a camera.
public struct CameraRequest: Equatable, Sendable {
  /// The size of a picture; the driver may choose another.
  public var width = 640, height = 480
  /// Pictures a second; 0 leaves it to the driver.
  public var rate = 0
  /// What the pictures are; nil takes what costs least.
  public var encoding: FrameEncoding?
  /// What is known of luma and chroma; the rest is the driver's word.
  public var colour = ColourRequest()

  /// 640×480 at the driver's rate, in the cheapest format.
  public init() {}
}

/// Pictures of a V4L2 camera, always the newest.
///
/// The driver writes into buffers that are mapped here, so a picture is not copied, unless there are
/// too few of them. A thread takes each from the driver and hands the one before back, for else the
/// driver would keep the oldest and not the newest.
public final class Camera {
  /// Milliseconds without a picture after which a camera counts as broken.
  private static let patience: Int32 = 10_000

  /// A picture, in a buffer of the driver's or a copy of it, and what the driver said of it.
  private struct Slot {
    var index: Int?
    let copy = ReusableMemory()
    var count = 0
    var nanoseconds: UInt64 = 0
    var number = 0

    func memory() throws(CaptureError) -> UnsafeMutableRawPointer {
      do throws(ImageError) { return try copy.reserve(count) } catch { throw .image(error) }
    }
  }

  /// The camera's own name.
  public let name: String
  /// What the pictures are.
  public let encoding: FrameEncoding
  /// The size of a picture.
  public let width, height: Int
  /// Pictures a second, or 0 if the driver does not say.
  public let rate: Int

  private let descriptor: Int32
  private let stride: Int?
  private let colour: ColourEncoding
  private let stop: StopEvent
  private var buffers = [lvt_camera_buffer](
    repeating: lvt_camera_buffer(), count: Int(LVT_CAMERA_MAX_BUFFERS))
  private var bufferCount: Int32 = 0
  /// Three buffers may be in the mailbox and at its ends, and the driver wants two to work with.
  private var hasBuffersToKeep: Bool { bufferCount >= 5 }
  private let mailbox: Mailbox<Slot>
  private var thread: OpaquePointer?
  private var taken = Slot()
  private var damagedHere = 0
  private var failure: CaptureError?

  /// Opens a camera and starts it.
  ///
  /// - Parameters:
  ///   - path: As in `/dev/video0`.
  ///   - request: What is asked of it.
  ///   - stop: Ends the stream.
  /// - Throws: ``CaptureError/camera(reason:)``, in words for people, and
  ///   ``CaptureError/coloursOfJPEG`` where the camera gives JPEGs and colours were asked for.
  public init(path: String, request: CameraRequest, stop: StopEvent) throws(CaptureError) {
    let device = try CameraDevice(path: path)
    let format = try device.negotiate(request)
    guard let encoding = CameraCode.encoding(format.code) else {
      throw .camera(reason: "the camera gives \(CameraCode.text(format.code)) only")
    }
    var rate = UInt32(clamping: request.rate)
    lvt_camera_set_rate(device.descriptor, &rate)
    name = device.name
    self.encoding = encoding
    self.rate = Int(rate)
    width = Int(format.width)
    height = Int(format.height)
    stride = format.stride == 0 ? nil : Int(format.stride)
    colour = request.colour.over(ColourEncoding(format.colours))
    guard encoding != .jpeg || request.colour.isEmpty else { throw .coloursOfJPEG }
    self.stop = stop
    mailbox = try Mailbox(middle: Slot())
    descriptor = device.keep()
    bufferCount = buffers.withUnsafeMutableBufferPointer {
      lvt_camera_start(descriptor, $0.baseAddress)
    }
    guard bufferCount >= 0 else { throw CameraDevice.error(bufferCount) }
    let status = lvt_thread_start(
      { context in
        guard let context else { return }
        Unmanaged<Camera>.fromOpaque(context).takeUnretainedValue().readAhead()
      }, Unmanaged.passUnretained(self).toOpaque(), &thread)
    guard status == 0 else {
      throw .thread(reason: String(cString: lvt_thread_error_text(status)))
    }
  }

  deinit {
    stop.raise()
    lvt_thread_join(thread)
    if bufferCount > 0 {
      buffers.withUnsafeMutableBufferPointer {
        lvt_camera_stop(descriptor, $0.baseAddress, bufferCount)
      }
    }
    lvt_close(descriptor)
  }

  /// What was lost so far.
  public var losses: FrameLosses {
    var losses = mailbox.lossesSoFar
    losses.damaged += damagedHere
    return losses
  }

  /// Waits for the newest picture; nil after a stop.
  ///
  /// - Throws: ``CaptureError/camera(reason:)`` if the camera is gone.
  public func next() throws(CaptureError) -> Frame? {
    while let slot = mailbox.take(taken) {
      taken = slot
      let bytes: UnsafeRawBufferPointer
      if let index = slot.index {
        bytes = UnsafeRawBufferPointer(start: buffers[index].bytes, count: slot.count)
      } else {
        bytes = UnsafeRawBufferPointer(start: try slot.memory(), count: slot.count)
      }
      switch encoding {
      case .jpeg:
        return Frame(content: .jpeg(bytes), nanoseconds: slot.nanoseconds, number: slot.number)
      case .pixels(let format):
        do throws(ImageError) {
          let view = try ImageView(
            format: format, width: width, height: height, stride: stride, colour: colour,
            bytes: bytes)
          return Frame(content: .pixels(view), nanoseconds: slot.nanoseconds, number: slot.number)
        } catch { damagedHere += 1 }  // fewer bytes than a picture has
      }
    }
    if let failure { throw failure }
    return nil
  }

  /// The thread: leaves each picture in the mailbox and gives the buffer that it gets for it back.
  private func readAhead() {
    do throws(CaptureError) {
      var slot = Slot()
      var expected: UInt32?
      while true {
        let ready = lvt_wait_readable(descriptor, stop.descriptor, Self.patience)
        if ready == 0 { break }
        guard ready > 0 else { throw CameraDevice.error(ready) }
        var picture = lvt_camera_picture()
        let status = buffers.withUnsafeBufferPointer {
          lvt_camera_take(descriptor, $0.baseAddress, bufferCount, &picture)
        }
        if CameraDevice.isNothingYet(status) { continue }
        guard status == 0 else { throw CameraDevice.error(status) }
        // What the camera lost shows as a gap; a number that goes back is a driver that does not count.
        let gap = expected.map { Int(Int32(truncatingIfNeeded: picture.sequence &- $0)) } ?? 0
        expected = picture.sequence &+ 1
        mailbox.count(dropped: max(0, gap), damaged: picture.is_damaged ? 1 : 0)
        let index = Int(picture.index)
        if picture.is_damaged {
          try give(index)
          continue
        }
        let now = lvt_nanoseconds()
        slot.count = picture.count
        slot.number = Int(picture.sequence)
        slot.nanoseconds = picture.nanoseconds == 0 ? now : min(picture.nanoseconds, now)
        if hasBuffersToKeep {
          slot.index = index
        } else {
          UnsafeMutableRawBufferPointer(start: try slot.memory(), count: slot.count).copyMemory(
            from: UnsafeRawBufferPointer(start: buffers[index].bytes, count: slot.count))
          try give(index)
        }
        slot = mailbox.exchange(slot)
        if let old = slot.index { try give(old) }
        slot.index = nil
      }
    } catch { failure = error }
    mailbox.close()
  }

  private func give(_ index: Int) throws(CaptureError) {
    let status = lvt_camera_give(descriptor, UInt32(index))
    guard status == 0 else { throw CameraDevice.error(status) }
  }
}
