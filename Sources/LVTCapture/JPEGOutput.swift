// SPDX-License-Identifier: Apache-2.0
internal import CLVTJPEG
internal import CLVTSystem
public import LVTImage

/// Pictures as JPEGs, in files and in memory.
public enum JPEGOutput {
  /// How much of a picture is kept.
  package enum Fidelity {
    /// libjpeg's quality 90 of 100, chroma in full resolution: lines of a pixel keep their colours.
    case drawing
    /// Quality 80, half of the chroma's rows and columns, as cameras have it.
    case photograph
  }

  /// Writes a picture, chroma in full resolution.
  ///
  /// What is there is replaced whole or left as it is.
  ///
  /// - Throws: ``CaptureError/unwritable(reason:)``: the disk is full, for example, or a side is more than
  ///   libjpeg's 65500 pixels.
  public static func write(_ image: Image, path: String) throws(CaptureError) {
    let bytes = try bytes(of: image, .drawing)
    let status = lvt_write_file(path, bytes, bytes.count, nil, 0)
    guard status == 0 else { throw .unwritable(reason: String(cString: lvt_error_text(status))) }
  }

  /// A picture as a JPEG file's bytes.
  ///
  /// - Throws: ``CaptureError/unwritable(reason:)``: no memory, or a side of more than 65500 pixels.
  package static func bytes(
    of image: Image, _ fidelity: Fidelity
  ) throws(CaptureError) -> [UInt8] {
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    var message = [CChar](repeating: 0, count: Int(LVT_JPEG_MESSAGE))
    let encoded = image.withPixels { pixels in
      lvt_jpeg_encode(
        pixels.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(image.width),
        UInt32(image.height), fidelity == .drawing ? 90 : 80, fidelity == .photograph, &bytes,
        &count, &message)
    }
    guard encoded == LVT_JPEG_OK else {
      let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw .unwritable(reason: String(decoding: text, as: UTF8.self))
    }
    defer { lvt_jpeg_free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}
