// SPDX-License-Identifier: Apache-2.0

/// An RGB picture with memory of its own.
///
/// It can serve one picture after another, and is allocated again only for a larger one.
public final class Image {
  /// Pixels of a row.
  public private(set) var width = 0
  /// Rows.
  public private(set) var height = 0
  /// All bytes: red, green and blue of each pixel, rows immediately after each other.
  ///
  /// Valid until the next ``reshape(width:height:)`` and as long as the image is.
  public private(set) var pixels: UnsafeMutableRawBufferPointer

  private let memory = ReusableMemory()

  /// A black picture.
  public init(width: Int, height: Int) throws(ImageError) {
    pixels = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    try reshape(width: width, height: height)
  }

  /// Makes this a picture of another size, whose pixels are undefined until they are written.
  public func reshape(width: Int, height: Int) throws(ImageError) {
    let count = try ImageView.byteCount(format: .rgb8, width: width, height: height)
    // Should there be no memory, the old picture's is gone as well.
    (self.width, self.height) = (0, 0)
    pixels = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    pixels = UnsafeMutableRawBufferPointer(start: try memory.reserve(count), count: count)
    self.width = width
    self.height = height
  }

  /// Calls `body` with a view of the picture, which is valid only inside.
  public func withView<R>(
    _ body: (ImageView) throws(ImageError) -> R
  ) throws(ImageError) -> R {
    let view = try ImageView(
      format: .rgb8, width: width, height: height, bytes: UnsafeRawBufferPointer(pixels))
    return try body(view)
  }
}
