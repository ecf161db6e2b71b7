// SPDX-License-Identifier: Apache-2.0

/// A picture in memory that something else owns: a decoded file, a camera's buffer.
///
/// It is valid as long as that memory is.
public struct ImageView {
  /// What the bytes mean.
  public let format: PixelFormat
  /// Pixels of a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Bytes from the start of one row to the start of the next.
  public let stride: Int
  /// The first row's first byte; the other planes of a format follow the rows.
  public let base: UnsafeRawPointer
  /// Of luma and chroma; formats without them do not have it.
  public let colour: ColourEncoding

  /// The longest side of a picture, which is JPEG's limit too.
  ///
  /// Products of two sides of which one is at most `Framing.limit` then fit 32 bits.
  public static let longestSide = 65535

  /// A picture whose rows lie in `bytes`, checked.
  ///
  /// - Parameters:
  ///   - stride: Bytes from row to row; without it rows follow each other immediately.
  ///   - colour: Of luma and chroma, in formats that have them.
  ///   - bytes: Memory that the caller keeps; the last row needs no padding behind it.
  /// - Throws: ``ImageError/size(width:height:)``, ``ImageError/stride(least:found:)`` or
  ///   ``ImageError/bytes(least:found:)``
  public init(
    format: PixelFormat, width: Int, height: Int, stride: Int? = nil,
    colour: ColourEncoding = ColourEncoding(), bytes: UnsafeRawBufferPointer
  ) throws(ImageError) {
    let needed = try Self.byteCount(format: format, width: width, height: height, stride: stride)
    guard let base = bytes.baseAddress, bytes.count >= needed else {
      throw .bytes(least: needed, found: bytes.count)
    }
    self.format = format
    self.width = width
    self.height = height
    self.stride = stride ?? format.rowBytes(width: width)
    self.base = base
    self.colour = colour
  }

  /// The pixels of an ``Image``, which have been checked.
  init(rgb: UnsafeRawBufferPointer, width: Int, height: Int) {
    guard let base = rgb.baseAddress else { fatalError("an image without memory") }
    self.base = base
    self.width = width
    self.height = height
    format = .rgb8
    stride = 3 * width
    colour = ColourEncoding(range: .full)
  }

  /// The bytes from the first to the last of a picture.
  ///
  /// - Parameters:
  ///   - stride: Bytes from row to row; without it rows follow each other immediately.
  ///   - isPadded: Whether the last row counts as many bytes as the others, as in a stream.
  /// - Throws: ``ImageError/size(width:height:)`` or ``ImageError/stride(least:found:)``
  public static func byteCount(
    format: PixelFormat, width: Int, height: Int, stride: Int? = nil, isPadded: Bool = false
  ) throws(ImageError) -> Int {
    guard (1...longestSide).contains(width), (1...longestSide).contains(height) else {
      throw .size(width: width, height: height)
    }
    let rowBytes = format.rowBytes(width: width)
    let stride = stride ?? rowBytes
    guard stride >= rowBytes else { throw .stride(least: rowBytes, found: stride) }
    guard
      let count = format.byteCount(
        width: width, height: height, stride: stride, isPadded: isPadded)
    else { throw .size(width: width, height: height) }
    return count
  }

  /// The start of a row.
  func row(_ y: Int) -> UnsafeRawPointer { base + y * stride }
}
