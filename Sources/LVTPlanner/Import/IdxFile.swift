// SPDX-License-Identifier: Apache-2.0

/// The pictures of an MNIST-style data set: bytes, one channel, all of one size.
public struct IdxImages: Equatable, Sendable {
  /// The number of pictures.
  public let count: Int

  /// The height of each picture.
  public let rows: Int

  /// The width of each picture.
  public let columns: Int

  /// All pictures, one after the other, each row by row: `count × rows × columns` bytes.
  public let pixels: [UInt8]

  /// Reads a file with magic number 0x00000803, packed by gzip or not.
  ///
  /// - Throws: ``ImportError`` if the file cannot be read, holds something else (such as labels),
  ///   is cut off, or goes on after the last picture.
  public static func read(path: String) throws(ImportError) -> IdxImages {
    try read(try FileBytes(path: path))
  }

  /// Reads pictures from bytes in memory or from a mapped file.
  static func read(_ file: FileBytes) throws(ImportError) -> IdxImages {
    let (sizes, bytes) = try readIdx(file, magic: 0x0803, what: "idx pictures")
    return IdxImages(count: sizes[0], rows: sizes[1], columns: sizes[2], pixels: bytes)
  }
}

/// The labels of an MNIST-style data set.
public struct IdxLabels: Equatable, Sendable {
  /// The class of each picture.
  public let labels: [UInt8]

  /// The number of labels.
  public var count: Int { labels.count }

  /// Reads a file with magic number 0x00000801, packed by gzip or not.
  ///
  /// - Throws: ``ImportError`` if the file cannot be read, holds something else (such as pictures),
  ///   is cut off, or goes on after the last label.
  public static func read(path: String) throws(ImportError) -> IdxLabels {
    try read(try FileBytes(path: path))
  }

  /// Reads labels from bytes in memory or from a mapped file.
  static func read(_ file: FileBytes) throws(ImportError) -> IdxLabels {
    IdxLabels(labels: try readIdx(file, magic: 0x0801, what: "idx labels").bytes)
  }
}

/// Reads a magic number whose last byte is the number of dimensions, the dimensions as big-endian
/// 32-bit integers, and as many bytes as they say.
private func readIdx(
  _ file: FileBytes, magic: UInt32, what: String
) throws(ImportError) -> (sizes: [Int], bytes: [UInt8]) {
  let rank = Int(magic & 0xFF)
  let headerCount = 4 + 4 * rank
  let isPacked = file.count >= 2 && file[0] == 0x1F && file[1] == 0x8B
  let gzip = isPacked ? try GzipReader(file) : nil
  var cursor = ByteCursor(file)

  func next(_ count: Int, _ what: String) throws(ImportError) -> [UInt8] {
    if let gzip { return try gzip.read(count, what) }
    return file.withBytes(in: try cursor.take(count, what)) { Array($0) }
  }

  // Fields first: a short file of another kind should be told apart, not called cut off.
  let found = bigEndian(try next(4, "the magic number of \(what)"))
  guard found == magic else {
    throw .unknownFormat(
      file: file.name, expected: "\(what), magic number \(hex(magic))",
      found: "magic number \(hex(found))")
  }
  let fields = try next(4 * rank, "the sizes of \(what)")
  let sizes = (0..<rank).map { Int(bigEndian(Array(fields[($0 * 4)..<($0 * 4 + 4)]))) }
  let available = isPacked ? checkedProduct([file.count, GzipReader.maximumRatio]) : file.count
  guard let byteCount = checkedProduct(sizes), byteCount <= available ?? .max,
    sizes.allSatisfy({ $0 > 0 })
  else {
    throw .malformed(
      file: file.name, offset: 4, expected: "sizes of at least 1 that \(file.count) bytes can hold",
      found: "\(sizes)")
  }
  let bytes = try next(byteCount, "\(byteCount) bytes of \(what)")
  if let gzip {
    try gzip.finish()
  } else if cursor.remaining > 0 {
    throw .malformed(
      file: file.name, offset: headerCount + byteCount, expected: "the end of the file",
      found: "\(cursor.remaining) more bytes")
  }
  return (sizes, bytes)
}

private func bigEndian(_ bytes: [UInt8]) -> UInt32 {
  bytes.reduce(0) { $0 << 8 | UInt32($1) }
}
