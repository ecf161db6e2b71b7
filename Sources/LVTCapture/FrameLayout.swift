// SPDX-License-Identifier: Apache-2.0
public import LVTImage

/// How frames of pixels lie in a stream, all alike and one behind the other.
public struct FrameLayout: Equatable, Sendable {
  /// What the bytes mean.
  public let format: PixelFormat
  /// Pixels of a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Bytes from row to row, also behind the last one; nil: rows follow each other immediately.
  public let stride: Int?
  /// Of luma and chroma, in formats that have them.
  public let colour: ColourEncoding
  /// Bytes of a frame.
  public let byteCount: Int

  /// A layout, checked.
  ///
  /// - Throws: ``CaptureError/image(_:)`` for sizes that are not possible, and
  ///   ``CaptureError/longFrames(bytes:most:)`` for frames of more than 64 MiB.
  public init(
    format: PixelFormat, width: Int, height: Int, stride: Int? = nil,
    colour: ColourEncoding = ColourEncoding()
  ) throws(CaptureError) {
    do throws(ImageError) {
      byteCount = try ImageView.byteCount(
        format: format, width: width, height: height, stride: stride, isPadded: true)
    } catch { throw .image(error) }
    guard byteCount <= FrameCutter.longest else {
      throw .longFrames(bytes: byteCount, most: FrameCutter.longest)
    }
    self.format = format
    self.width = width
    self.height = height
    self.stride = stride
    self.colour = colour
  }

  /// A frame as a picture.
  func view(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> ImageView {
    try ImageView(
      format: format, width: width, height: height, stride: stride, colour: colour, bytes: bytes)
  }
}
