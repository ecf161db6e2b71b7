// SPDX-License-Identifier: Apache-2.0
internal import CLVTJPEG
public import LVTImage

/// Decodes JPEGs into an image that it uses again for the next.
///
/// Pixels are those of PIL's `ImageOps.exif_transpose(Image.open(file)).convert("RGB")`, whatever the
/// file's colours: a picture is turned and mirrored as its Exif data say, where they are damaged not at
/// all. A decoder is not for two callers at once.
public final class JPEGDecoder {
  /// Pixels of the largest picture.
  static let mostPixels = Int(LVT_JPEG_MAX_PIXELS)

  private let decoder: OpaquePointer
  private let orientation: OrientationPolicy
  private var image: Image?

  /// A decoder.
  ///
  /// - Parameter orientation: Whether pictures are made upright.
  public init(orientation: OrientationPolicy = .exif) throws(CaptureError) {
    guard let decoder = lvt_jpeg_create() else { throw .outOfMemory }
    self.decoder = decoder
    self.orientation = orientation
  }

  deinit { lvt_jpeg_destroy(decoder) }

  /// Decodes a JPEG in memory.
  ///
  /// The Huffman tables may be missing, as they are in the frames of some cameras; the usual ones
  /// are used then.
  public func decode(_ bytes: UnsafeRawBufferPointer) throws(CaptureError) -> Image {
    try Self.checkStart(bytes)
    var width: UInt32 = 0, height: UInt32 = 0
    let opened = lvt_jpeg_open(
      decoder, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &width, &height)
    try check(opened, width: Int(width), height: Int(height))
    let orientation = orientation == .exif ? ExifOrientation(jpeg: bytes) : .upright
    let image = try image(
      width: Int(orientation.isTurned ? height : width),
      height: Int(orientation.isTurned ? width : height))
    let place = orientation.placement(width: Int(width), height: Int(height))
    let decoded = image.withPixels { pixels in
      lvt_jpeg_decode(
        decoder, pixels.baseAddress?.assumingMemoryBound(to: UInt8.self).advanced(by: place.first),
        place.columnStep, place.rowStep)
    }
    try check(decoded, width: Int(width), height: Int(height))
    return image
  }

  private static func checkStart(_ bytes: UnsafeRawBufferPointer) throws(CaptureError) {
    guard !bytes.isEmpty else { throw .empty }
    guard bytes.starts(with: [0xFF, 0xD8, 0xFF].prefix(bytes.count)) else {
      throw .notAJPEG(start: hexadecimal(UnsafeRawBufferPointer(rebasing: bytes.prefix(4))))
    }
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
}
