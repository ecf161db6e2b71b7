// SPDX-License-Identifier: Apache-2.0
internal import LVTImage

/// What is done with the orientation that a JPEG's or PNG's Exif data state.
public enum OrientationPolicy: String, CaseIterable, Sendable {
  /// The picture is turned or mirrored as it says, as PIL's `ImageOps.exif_transpose` does.
  case exif
  /// The picture is left as it lies in the file.
  case ignore
}

/// How a picture that lies in a file becomes upright: Exif's tag 0x0112.
///
/// The numbers are Exif's. "To the left" is counterclockwise.
enum ExifOrientation: Int, CaseIterable {
  case upright = 1
  case mirrored
  case upsideDown
  case flipped
  case transposed
  case turnRight
  case transversed
  case turnLeft

  /// Whether width and height change places.
  var isTurned: Bool { rawValue >= 5 }

  /// What the Exif data of a JPEG say; upright without them, and where they are damaged.
  init(jpeg: UnsafeRawBufferPointer) {
    self = ExifData.find(in: jpeg)?.orientation ?? .upright
  }

  /// What Exif data say, those of a PNG: as JPEGs' segments, whose mark may be missing.
  init(exif: UnsafeRawBufferPointer) {
    self = ExifData(unmarked: exif)?.orientation ?? .upright
  }

  /// The picture upright: itself, or another one.
  func upright(_ image: Image) throws(ImageError) -> Image {
    guard self != .upright else { return image }
    let width = image.width, height = image.height
    let turned = try Image(width: isTurned ? height : width, height: isTurned ? width : height)
    let place = placement(width: width, height: height)
    image.withPixels { source in
      turned.withPixels { target in
        for y in 0..<height {
          for x in 0..<width {
            let from = 3 * (y * width + x)
            let to = place.first + x * place.columnStep + y * place.rowStep
            for colour in 0..<3 { target[to + colour] = source[from + colour] }
          }
        }
      }
    }
    return turned
  }

  /// Where the pixels of a picture belong when it is stored upright.
  ///
  /// - Parameters:
  ///   - width: Of the picture in the file.
  ///   - height: As `width`.
  /// - Returns: In bytes of RGB without padding: where the first pixel is, and how far it is from
  ///   there to the next pixel of a row and to the next row.
  func placement(width: Int, height: Int) -> (first: Int, columnStep: Int, rowStep: Int) {
    let rowBytes = 3 * (isTurned ? height : width)
    let isMirroredAlong: Bool, isMirroredAcross: Bool
    switch self {
    case .upright, .transposed: (isMirroredAlong, isMirroredAcross) = (false, false)
    case .mirrored, .turnLeft: (isMirroredAlong, isMirroredAcross) = (true, false)
    case .upsideDown, .transversed: (isMirroredAlong, isMirroredAcross) = (true, true)
    case .flipped, .turnRight: (isMirroredAlong, isMirroredAcross) = (false, true)
    }
    let steps = isTurned ? (column: rowBytes, row: 3) : (column: 3, row: rowBytes)
    let first =
      (isMirroredAlong ? (width - 1) * steps.column : 0)
      + (isMirroredAcross ? (height - 1) * steps.row : 0)
    return (
      first, isMirroredAlong ? -steps.column : steps.column,
      isMirroredAcross ? -steps.row : steps.row
    )
  }
}

/// The TIFF structure in a JPEG's Exif segment or a PNG's eXIf chunk.
///
/// Nothing that it says is trusted.
private struct ExifData {
  let bytes: Slice<UnsafeRawBufferPointer>
  let isBigEndian: Bool

  /// "Exif".
  private static let mark: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]

  /// The data of a PNG, which have no mark, but from some writers have.
  init?(unmarked exif: UnsafeRawBufferPointer) {
    var rest = exif[...]
    while rest.starts(with: Self.mark) { rest.removeFirst(Self.mark.count) }
    self.init(rest)
  }

  /// The first Exif segment before the picture's data; nil if there is none, or no TIFF in it.
  static func find(in jpeg: UnsafeRawBufferPointer) -> ExifData? {
    var at = 2
    while at + 4 <= jpeg.count, jpeg[at] == 0xFF {
      switch jpeg[at + 1] {
      case 0xFF: at += 1  // padding
      case 0x01, 0xD0...0xD7: at += 2  // markers without content
      case 0x00, 0xD8, 0xD9, 0xDA: return nil
      case let code:
        let end = at + 2 + (Int(jpeg[at + 2]) << 8 | Int(jpeg[at + 3]))
        guard end >= at + 4, end <= jpeg.count else { return nil }
        let content = jpeg[at + 4..<end]
        if code == 0xE1, content.starts(with: mark) {
          return ExifData(content.dropFirst(6))
        }
        at = end
      }
    }
    return nil
  }

  private init?(_ bytes: Slice<UnsafeRawBufferPointer>) {
    self.bytes = bytes
    let mark = bytes.prefix(4)
    // Some writers have the 42 in the other order.
    guard mark.dropFirst(2).elementsEqual([0x2A, 0]) || mark.dropFirst(2).elementsEqual([0, 0x2A])
    else { return nil }
    switch (mark.first, mark.dropFirst().first) {
    case (0x49, 0x49): isBigEndian = false  // "II"
    case (0x4D, 0x4D): isBigEndian = true  // "MM"
    default: return nil
    }
  }

  /// What the first directory's first entry for it says.
  var orientation: ExifOrientation? {
    guard let directory = number(at: 4, count: 4), let entries = number(at: directory, count: 2)
    else { return nil }
    for i in 0..<entries {
      let entry = directory + 2 + 12 * i
      guard let tag = number(at: entry, count: 2), let type = number(at: entry + 2, count: 2),
        let count = number(at: entry + 4, count: 4), number(at: entry + 8, count: 4) != nil
      else { return nil }
      guard tag == 0x0112 else { continue }
      // SHORT, as Exif wants it, LONG, and both with a sign; further back than four bytes only an offset.
      let size = type == 3 || type == 8 ? 2 : type == 4 || type == 9 ? 4 : 0
      guard size > 0, (1...4 / size).contains(count),
        let value = number(at: entry + 8, count: size)
      else { continue }
      return ExifOrientation(rawValue: value)
    }
    return nil
  }

  /// An unsigned number of 2 or 4 bytes; nil outside the data.
  private func number(at offset: Int, count: Int) -> Int? {
    guard offset <= bytes.count - count else { return nil }
    let start = bytes.startIndex + offset
    var value = 0
    for i in 0..<count {
      let byte = bytes[isBigEndian ? start + i : start + count - 1 - i]
      value = value << 8 | Int(byte)
    }
    return value
  }
}
