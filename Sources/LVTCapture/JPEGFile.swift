// SPDX-License-Identifier: Apache-2.0
internal import CLVTJPEG
internal import CLVTSystem
public import LVTImage

/// Reads JPEG files into an image that it uses again for the next.
///
/// Pixels are those of PIL's `Image.open(file).convert("RGB")`, whatever the file's colours; like
/// it, this leaves the picture as it lies in the file when Exif says that it should be turned. A
/// decoder is not for two callers at once.
public final class JPEGDecoder {
  private let decoder: OpaquePointer
  private var image: Image?

  /// A decoder.
  public init() throws(CaptureError) {
    guard let decoder = lvt_jpeg_create() else { throw .outOfMemory }
    self.decoder = decoder
  }

  deinit { lvt_jpeg_destroy(decoder) }

  /// Decodes a file.
  ///
  /// - Returns: The picture; the next one overwrites it.
  /// - Throws: ``CaptureError``; its description does not contain the path.
  public func read(path: String) throws(CaptureError) -> Image {
    var mapping = lvt_mapping()
    let status = lvt_map_file(path, &mapping)
    guard status == 0 else { throw .unreadable(reason: String(cString: lvt_error_text(status))) }
    defer { lvt_unmap_file(mapping) }
    return try decode(UnsafeRawBufferPointer(start: mapping.bytes, count: mapping.count))
  }

  /// Decodes a JPEG in memory, as ``read(path:)`` does a file.
  ///
  /// The Huffman tables may be missing, as they are in the frames of some cameras; the usual ones
  /// are used then.
  public func decode(_ bytes: UnsafeRawBufferPointer) throws(CaptureError) -> Image {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { throw .empty }
    guard bytes.starts(with: [0xFF, 0xD8, 0xFF].prefix(bytes.count)) else {
      throw .notAJPEG(start: Self.hexadecimal(bytes.prefix(4)))
    }
    var width: UInt32 = 0, height: UInt32 = 0
    let opened = lvt_jpeg_open(
      decoder, base.assumingMemoryBound(to: UInt8.self), bytes.count, &width, &height)
    try check(opened, width: Int(width), height: Int(height))
    let image = try image(width: Int(width), height: Int(height))
    let decoded = image.withPixels { pixels in
      lvt_jpeg_decode(
        decoder, pixels.baseAddress?.assumingMemoryBound(to: UInt8.self), 3 * Int(width))
    }
    try check(decoded, width: Int(width), height: Int(height))
    return image
  }

  private func image(width: Int, height: Int) throws(CaptureError) -> Image {
    do throws(ImageError) {
      if let image {
        try image.reshape(width: width, height: height)
        return image
      }
      let image = try Image(width: width, height: height)
      self.image = image
      return image
    } catch {
      throw .image(error)
    }
  }

  private func check(
    _ status: lvt_jpeg_status, width: Int, height: Int
  ) throws(CaptureError) {
    guard status != LVT_JPEG_OK else { return }
    let reason = String(cString: lvt_jpeg_message(decoder))
    switch status {
    case LVT_JPEG_TRUNCATED: throw .truncated(reason: reason)
    case LVT_JPEG_UNSUPPORTED: throw .unsupported(reason: reason)
    case LVT_JPEG_TOO_LARGE: throw .tooLarge(width: width, height: height, reason: reason)
    case LVT_JPEG_NO_MEMORY: throw .outOfMemory
    default: throw .damaged(reason: reason)
    }
  }

  /// `89 50 4E 47`.
  private static func hexadecimal(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var text: [UInt8] = []
    for byte in bytes {
      if !text.isEmpty { text.append(UInt8(ascii: " ")) }
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
