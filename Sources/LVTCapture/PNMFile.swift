// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
public import LVTImage

/// Pictures as their plain pixels: binary PPM (P6) and PGM (P5) files with 255 levels.
public enum PNMFile {
  /// Reads a file whose first bytes were read: a PPM, or a PGM, whose grey becomes red, green and blue.
  ///
  /// - Parameter start: Those bytes, in which the size and what may be said about it must end.
  static func read(
    _ file: borrowing OpenFile, _ start: UnsafeRawBufferPointer
  ) throws(CaptureError) -> Image {
    var rest = start[...]
    let isGrey = rest.starts(with: "P5".utf8)
    guard isGrey || rest.starts(with: "P6".utf8) else { throw .notAPNM }
    rest.removeFirst(2)
    guard let width = number(&rest), let height = number(&rest), let levels = number(&rest),
      levels == 255, let separator = rest.popFirst(), isSpace(separator)
    else { throw .notAPNM }
    guard width * height <= JPEGDecoder.mostPixels else {
      throw .largePNM(width: width, height: height, most: JPEGDecoder.mostPixels)
    }
    let format = isGrey ? PixelFormat.gray8 : .rgb8
    let image = try image(width, height, format, of: file.size - rest.startIndex)
    let expected = isGrey ? width * height : 3 * width * height
    let found = try image.withPixels { pixels throws(CaptureError) in
      // Grey lies at the end, so that it can spread from the start on.
      let place = UnsafeMutableRawBufferPointer(rebasing: pixels.suffix(expected))
      let first = rest.prefix(expected)
      place.copyBytes(from: first)
      let found =
        first.count
        + (try file.read(into: UnsafeMutableRawBufferPointer(rebasing: place[first.count...])))
      if isGrey {
        for i in 0..<expected {
          let value = place[i]
          for colour in 0..<3 { pixels[3 * i + colour] = value }
        }
      }
      return found
    }
    guard found == expected else { throw .image(.bytes(least: expected, found: found)) }
    return image
  }

  /// Memory for a picture of which a file has so many bytes.
  private static func image(
    _ width: Int, _ height: Int, _ format: PixelFormat, of found: Int
  ) throws(CaptureError) -> Image {
    do throws(ImageError) {
      let expected = try ImageView.byteCount(format: format, width: width, height: height)
      guard found >= expected else { throw ImageError.bytes(least: expected, found: found) }
      return try Image(width: width, height: height)
    } catch { throw .image(error) }
  }

  /// Writes a picture as a PPM.
  ///
  /// What is there is replaced whole or left as it is.
  ///
  /// - Throws: ``CaptureError/unwritable(reason:)``
  public static func write(_ image: Image, path: String) throws(CaptureError) {
    let head = Array("P6\n\(image.width) \(image.height)\n255\n".utf8)
    let status = image.withPixels {
      lvt_write_file(path, head, head.count, $0.baseAddress, $0.count)
    }
    guard status == 0 else { throw .unwritable(reason: String(cString: lvt_error_text(status))) }
  }

  /// Writes a label map as a PGM, of whose levels each is a class.
  ///
  /// - Parameters:
  ///   - labels: width × height bytes, row after row.
  ///   - width: Pixels of a row.
  ///   - height: Rows.
  /// - Throws: As ``write(_:path:)``.
  public static func write(
    _ labels: [UInt8], width: Int, height: Int, path: String
  ) throws(CaptureError) {
    precondition(labels.count == width * height)
    let head = Array("P5\n\(width) \(height)\n255\n".utf8)
    let status = lvt_write_file(path, head, head.count, labels, labels.count)
    guard status == 0 else { throw .unwritable(reason: String(cString: lvt_error_text(status))) }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  /// A number behind white space and comments; nil if there is none below a million.
  private static func number(_ rest: inout Slice<UnsafeRawBufferPointer>) -> Int? {
    var isComment = false
    guard let first = rest.first, isSpace(first) else { return nil }
    while let byte = rest.first, isComment || isSpace(byte) || byte == UInt8(ascii: "#") {
      isComment = byte == UInt8(ascii: "#") || (isComment && byte != 0x0A)
      rest.removeFirst()
    }
    var value = 0, digits = 0
    while let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digits < 6
    {
      value = 10 * value + Int(byte - UInt8(ascii: "0"))
      digits += 1
      rest.removeFirst()
    }
    return digits == 0 ? nil : value
  }
}
