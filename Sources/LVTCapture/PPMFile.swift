// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
public import LVTImage

/// Pictures as their plain pixels: binary PPM files (P6) with 255 levels.
public enum PPMFile {
  /// Whether a path's name is one of a PPM.
  public static func isNamed(_ path: String) -> Bool {
    path.utf8.suffix(4).elementsEqual(".ppm".utf8)
  }

  /// Bytes in which the size and what may be said about it must end.
  private static let longestHead = 4096

  /// Reads a regular file, which others may change meanwhile.
  ///
  /// - Throws: ``CaptureError``; its description does not contain the path.
  public static func read(path: String) throws(CaptureError) -> Image {
    let file = try OpenFile(path: path)
    let memory = ReusableMemory()
    defer { withExtendedLifetime(memory) {} }
    let head: UnsafeMutableRawBufferPointer
    do throws(ImageError) {
      head = UnsafeMutableRawBufferPointer(
        start: try memory.reserve(longestHead), count: longestHead)
    } catch { throw .image(error) }
    var rest = UnsafeRawBufferPointer(head)[..<(try file.read(into: head))]
    guard rest.starts(with: "P6".utf8) else { throw .notAPPM }
    rest.removeFirst(2)
    guard let width = number(&rest), let height = number(&rest), let levels = number(&rest),
      levels == 255, let separator = rest.popFirst(), isSpace(separator)
    else { throw .notAPPM }
    guard width * height <= JPEGDecoder.mostPixels else {
      throw .largePPM(width: width, height: height, most: JPEGDecoder.mostPixels)
    }
    let image = try image(width: width, height: height, of: file.size - rest.startIndex)
    let found = try image.withPixels { pixels throws(CaptureError) in
      let start = rest.prefix(pixels.count)
      pixels.copyBytes(from: start)
      return start.count
        + (try file.read(into: UnsafeMutableRawBufferPointer(rebasing: pixels[start.count...])))
    }
    guard found == 3 * width * height else {
      throw .image(.bytes(least: 3 * width * height, found: found))
    }
    return image
  }

  /// Memory for a picture of which a file has so many bytes.
  private static func image(width: Int, height: Int, of found: Int) throws(CaptureError) -> Image {
    do throws(ImageError) {
      let expected = try ImageView.byteCount(format: .rgb8, width: width, height: height)
      guard found >= expected else { throw ImageError.bytes(least: expected, found: found) }
      return try Image(width: width, height: height)
    } catch { throw .image(error) }
  }

  /// Writes a picture.
  public static func write(_ image: Image, path: String) throws(CaptureError) {
    let head = Array("P6\n\(image.width) \(image.height)\n255\n".utf8)
    let status = image.withPixels {
      lvt_write_file(path, head, head.count, $0.baseAddress, $0.count)
    }
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
