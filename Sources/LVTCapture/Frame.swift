// SPDX-License-Identifier: Apache-2.0
public import LVTImage

/// A picture of a stream.
public struct Frame {
  /// What the picture's bytes are; valid until the stream is asked for its next frame.
  public enum Content {
    /// A JPEG, as it came.
    case jpeg(UnsafeRawBufferPointer)
    /// Pixels.
    case pixels(ImageView)
  }

  /// The picture.
  public let content: Content
  /// When it was complete, on the clock of `lvt_nanoseconds`.
  public let nanoseconds: UInt64
  /// Which frame of the stream it is, from 0, lost ones counted where they are known.
  public let number: Int
}

/// How a camera's bytes are frames.
public enum FrameEncoding: Equatable, Sendable {
  /// One JPEG after another.
  case jpeg
  /// Pixels in a format that ``ImageView`` knows.
  case pixels(PixelFormat)
}

/// What became of the frames that are not among those that were handed out.
public struct FrameLosses: Equatable, Sendable {
  /// Frames that a newer one replaced before they were asked for, or that the camera lost.
  public var dropped = 0
  /// Frames that were damaged or cut short.
  public var damaged = 0

  /// None.
  public init() {}

  init(dropped: Int, damaged: Int) {
    self.dropped = dropped
    self.damaged = damaged
  }
}
