// SPDX-License-Identifier: Apache-2.0

/// Reads NumPy's `.npy` files.
enum NumpyArray {
  private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

  /// Whether a file that starts so is one.
  static func isOne(start: [UInt8]) -> Bool { start.starts(with: magic) }

  /// Reads an array of little-endian float32 or float64 in C order, format version 1, 2 or 3.
  ///
  /// float64 is rounded to float32. The file must end where the array does.
  ///
  /// - Throws: ``ImportError`` if the file is no such array, or is cut off.
  static func read(_ file: FileBytes) throws(ImportError) -> FloatTensor {
    var cursor = ByteCursor(file)
    let magic = try cursor.take(6, "the magic of a .npy file")
    guard file.withBytes(in: magic, { $0.elementsEqual(Self.magic) })
    else {
      throw .unknownFormat(
        file: file.name, expected: "a .npy file", found: "a file with another beginning")
    }
    let version = try cursor.integer(UInt8.self, "a version")
    let minor = try cursor.integer(UInt8.self, "a version")
    guard (1...3).contains(version), minor == 0 else {
      throw .unsupported(
        file: file.name, offset: 6, feature: "version \(version).\(minor) of .npy",
        advice: "save the array as version 1.0, 2.0 or 3.0")
    }
    let length =
      version == 1
      ? UInt64(try cursor.integer(UInt16.self, "a header's length"))
      : UInt64(try cursor.integer(UInt32.self, "a header's length"))
    let range = try cursor.take(length, "a header of \(length) bytes")
    let header = try NumpyHeader(file, in: range)
    return try values(header, in: cursor, headerOffset: range.lowerBound)
  }

  private static func values(
    _ header: NumpyHeader, in cursor: ByteCursor, headerOffset: Int
  ) throws(ImportError) -> FloatTensor {
    let file = cursor.file
    let type: StoredType
    switch header.type {
    case "<f4": type = .float32
    case "<f8": type = .float64
    default:
      throw .unsupported(
        file: file.name, offset: headerOffset, feature: "element type '\(header.type)'",
        advice: "convert the array with .astype('<f4')")
    }
    guard !header.isFortranOrder else {
      throw .unsupported(
        file: file.name, offset: headerOffset, feature: "Fortran order",
        advice: "save numpy.ascontiguousarray(array)")
    }
    guard let count = checkedProduct(header.shape),
      let byteCount = checkedProduct([count, type.byteCount])
    else {
      throw .malformed(
        file: file.name, offset: headerOffset, expected: "an array that fits in memory",
        found: "shape \(header.shape)")
    }
    var cursor = cursor
    let data = try cursor.take(byteCount, "\(byteCount) bytes for shape \(header.shape)")
    guard cursor.remaining == 0 else {
      throw .malformed(
        file: file.name, offset: data.upperBound, expected: "the end of the file after the array",
        found: "\(cursor.remaining) more bytes")
    }
    return FloatTensor(
      shape: header.shape, values: file.withBytes(in: data) { type.floats(from: $0) })
  }
}
