// SPDX-License-Identifier: Apache-2.0
internal import CLVTPNG
public import LVTCapture
public import LVTImage

/// Decodes PNGs as pictures, for a ``PictureDecoder``.
///
/// Pixels are those of PIL's `convert("RGB")`: transparency is dropped, not laid over a colour; samples of 16 bits
/// lose their lower byte, but grey ones without transparency are clipped at 255; gamma and profiles are not applied.
public enum PNGPicture {
  /// Decodes a PNG in memory, of 178 million pixels at most.
  ///
  /// - Returns: The picture as it lies in the file, and its Exif data, empty without any.
  /// - Throws: ``CaptureError/png(reason:)``, or ``CaptureError/image(_:)`` without memory.
  public static func decode(
    _ bytes: UnsafeRawBufferPointer
  ) throws(CaptureError) -> (image: Image, exif: [UInt8]) {
    var decoder: OpaquePointer?
    defer { lvt_png_close(decoder) }
    var width: UInt32 = 0, height: UInt32 = 0
    let opened = lvt_png_open(
      &decoder, LVT_PNG_RGB, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
      &width, &height)
    try check(opened, decoder)
    let image: Image
    do throws(ImageError) { image = try Image(width: Int(width), height: Int(height)) } catch {
      throw .image(error)
    }
    let status = image.withPixels {
      lvt_png_decode(decoder, $0.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    try check(status, decoder)
    var count = 0
    let exif = lvt_png_exif(decoder, &count)
    return (image, Array(UnsafeBufferPointer(start: exif, count: count)))
  }

  private static func check(
    _ status: lvt_png_status, _ decoder: OpaquePointer?
  ) throws(CaptureError) {
    guard status != LVT_PNG_OK else { return }
    guard status != LVT_PNG_NO_MEMORY, let decoder else { throw .outOfMemory }
    throw .png(reason: String(cString: lvt_png_message(decoder)))
  }
}
