// SPDX-License-Identifier: Apache-2.0
internal import CLVTJPEG
internal import CLVTSystem
public import LVTImage

/// Reads JPEG files into an image that it uses again for the next.
///
/// Pixels are those of PIL's `ImageOps.exif_transpose(Image.open(file)).convert("RGB")`, whatever the
/// file's colours: a picture is turned and mirrored as its Exif data say, where they are damaged not at
/// all. A decoder is not for two callers at once.
public final class JPEGDecoder {
  /// Pixels of the largest picture.
  static let mostPixels = Int(LVT_JPEG_MAX_PIXELS)
  /// The longest file: three bytes for each of them.
  private static let longestFile = 3 * mostPixels

  private let decoder: OpaquePointer
  private let orientation: OrientationPolicy
  private var image: Image?
  private let memory = ReusableMemory()

  /// A decoder.
  ///
  /// - Parameter orientation: Whether pictures are made upright.
  public init(orientation: OrientationPolicy = .exif) throws(CaptureError) {
    guard let decoder = lvt_jpeg_create() else { throw .outOfMemory }
    self.decoder = decoder
    self.orientation = orientation
  }

  deinit { lvt_jpeg_destroy(decoder) }

  /// Decodes a regular file, which others may change meanwhile.
  ///
  /// - Returns: The picture; the next one overwrites it.
  /// - Throws: ``CaptureError``; its description does not contain the path.
  public func read(path: String) throws(CaptureError) -> Image {
    let file = try OpenFile(path: path)
    // The start before all of it: no memory for what is no JPEG.
    var start: UInt32 = 0
    return try withUnsafeMutableBytes(of: &start) { start throws(CaptureError) in
      let start = UnsafeMutableRawBufferPointer(rebasing: start[..<(try file.read(into: start))])
      try Self.checkStart(UnsafeRawBufferPointer(start))
      guard file.size <= Self.longestFile else {
        throw .unreadable(
          reason: "\(file.size) bytes, expected at most the \(Self.longestFile) of a picture")
      }
      let whole = try room(for: max(start.count, file.size))
      whole.copyMemory(from: UnsafeRawBufferPointer(start))
      let rest = UnsafeMutableRawBufferPointer(rebasing: whole[start.count...])
      let count = start.count + (try file.read(into: rest))
      return try decode(UnsafeRawBufferPointer(rebasing: whole[..<count]))
    }
  }

  /// Decodes a JPEG in memory, as ``read(path:)`` does a file.
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

  private func room(for count: Int) throws(CaptureError) -> UnsafeMutableRawBufferPointer {
    do throws(ImageError) {
      return UnsafeMutableRawBufferPointer(start: try memory.reserve(count), count: count)
    } catch { throw .image(error) }
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
