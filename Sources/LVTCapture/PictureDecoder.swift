// SPDX-License-Identifier: Apache-2.0
public import LVTImage

/// Reads picture files, whose kinds it knows by their contents and not by their names.
///
/// Pixels are those of PIL's `ImageOps.exif_transpose(Image.open(file)).convert("RGB")`. A decoder is not for
/// two callers at once.
public final class PictureDecoder {
  /// Decodes a PNG in memory as it lies in the file, and says what its Exif data are; without any they
  /// are empty.
  public typealias PNGReader = (UnsafeRawBufferPointer) throws(CaptureError) -> (
    image: Image, exif: [UInt8]
  )

  /// The longest file: three bytes for each pixel of the largest picture.
  private static let longestFile = 3 * JPEGDecoder.mostPixels

  /// What is read.
  public var kinds: PictureKinds { png == nil ? .jpegAndPNM : .withPNG }

  private let jpeg: JPEGDecoder
  private let png: PNGReader?
  private let orientation: OrientationPolicy
  private let head = ReusableMemory(), memory = ReusableMemory()

  /// A decoder.
  ///
  /// - Parameters:
  ///   - orientation: Whether pictures are made upright.
  ///   - png: What decodes PNGs; without it they are refused.
  public init(
    orientation: OrientationPolicy = .exif, png: PNGReader? = nil
  ) throws(CaptureError) {
    jpeg = try JPEGDecoder(orientation: orientation)
    self.orientation = orientation
    self.png = png
  }

  /// Decodes a regular file, which others may change meanwhile.
  ///
  /// - Returns: The picture; the next one may overwrite it.
  /// - Throws: ``CaptureError``; its description does not contain the path.
  public func read(path: String) throws(CaptureError) -> Image {
    let file = try OpenFile(path: path)
    // The start before all of it: no memory for what is no picture.
    let room = try Self.room(for: StreamKind.window, in: head)
    let start = UnsafeRawBufferPointer(rebasing: room[..<(try file.read(into: room))])
    guard !start.isEmpty else { throw .empty }
    // Less than a kind needs elsewhere: what a damaged JPEG lacks its decoder says.
    if start.starts(with: [0xFF, 0xD8, 0xFF].prefix(start.count)) {
      return try jpeg.decode(try whole(of: file, start))
    }
    let kind = StreamKind(start, isAll: true, mayBePixels: false)
    if kind == .pnm || start.starts(with: "P5".utf8) || start.starts(with: "P6".utf8) {
      return try PNMFile.read(file, start)
    }
    if kind == .png, let png {
      let (image, exif) = try png(try whole(of: file, start))
      guard orientation == .exif else { return image }
      let found = exif.withUnsafeBytes { ExifOrientation(exif: $0) }
      do throws(ImageError) { return try found.upright(image) } catch { throw .image(error) }
    }
    throw .wrongPicture(
      kind, start: hexadecimal(UnsafeRawBufferPointer(rebasing: start.prefix(4))), expected: kinds)
  }

  /// All bytes of a file whose first ones were read.
  private func whole(
    of file: borrowing OpenFile, _ start: UnsafeRawBufferPointer
  ) throws(CaptureError) -> UnsafeRawBufferPointer {
    guard file.size <= Self.longestFile else {
      throw .unreadable(
        reason: "\(file.size) bytes, expected at most the \(Self.longestFile) of a picture")
    }
    let whole = try Self.room(for: max(start.count, file.size), in: memory)
    whole.copyMemory(from: start)
    let rest = UnsafeMutableRawBufferPointer(rebasing: whole[start.count...])
    return UnsafeRawBufferPointer(rebasing: whole[..<(start.count + (try file.read(into: rest)))])
  }

  private static func room(
    for count: Int, in memory: ReusableMemory
  ) throws(CaptureError) -> UnsafeMutableRawBufferPointer {
    do throws(ImageError) {
      return UnsafeMutableRawBufferPointer(start: try memory.reserve(count), count: count)
    } catch { throw .image(error) }
  }
}
