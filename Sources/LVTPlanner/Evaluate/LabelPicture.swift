// SPDX-License-Identifier: Apache-2.0
internal import CLVTPNG
public import LVT

/// Reads the class of every pixel of a picture from a PNG: grey values, or indices of a palette.
public enum LabelPicture {
  /// The most pixels of a side.
  static let longestSide = Int(LVT_PNG_MAX_SIDE)
  /// The longest file: four bytes for each pixel.
  private static let longestFile = 4 * longestSide * longestSide

  /// Reads a file of 1, 2, 4 or 8 bits a pixel, of at most 16384 pixels a side.
  ///
  /// - Returns: The values as the file has them, whatever colours they stand for.
  /// - Throws: ``ImportError`` if the file cannot be read, is damaged, or holds no class indices.
  public static func read(path: String) throws(ImportError) -> LabelMap {
    try read(try FileBytes(path: path))
  }

  /// Reads a file in memory.
  static func read(_ file: FileBytes) throws(ImportError) -> LabelMap {
    guard file.count <= longestFile else {
      throw .limitExceeded(
        file: file.name, offset: 0, quantity: "a file of \(file.count) bytes", limit: longestFile)
    }
    let result: Result<LabelMap, ImportError> = file.withBytes(in: 0..<file.count) { bytes in
      do throws(ImportError) { return .success(try decode(bytes, file: file.name)) } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private static func decode(
    _ bytes: UnsafeRawBufferPointer, file: String
  ) throws(ImportError) -> LabelMap {
    guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else {
      throw .unknownFormat(
        file: file, expected: "a PNG of class indices", found: "another beginning")
    }
    var decoder: OpaquePointer?
    defer { lvt_png_close(decoder) }
    var width: UInt32 = 0, height: UInt32 = 0
    let opened = lvt_png_open(
      &decoder, LVT_PNG_LABELS, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
      &width, &height)
    try check(opened, decoder, file)
    let count = Int(width) * Int(height)
    var status = LVT_PNG_OK
    let labels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      buffer.initialize(repeating: 0)
      status = lvt_png_decode(decoder, buffer.baseAddress)
      initialized = count
    }
    try check(status, decoder, file)
    return LabelMap(width: Int(width), height: Int(height), labels: labels)
  }

  private static func check(
    _ status: lvt_png_status, _ decoder: OpaquePointer?, _ file: String
  ) throws(ImportError) {
    guard status != LVT_PNG_OK else { return }
    let reason = decoder.map { String(cString: lvt_png_message($0)) } ?? "no memory"
    switch status {
    case LVT_PNG_UNSUPPORTED:
      throw .unknownFormat(
        file: file, expected: "class indices: grey values or a palette's, of at most 8 bits",
        found: reason)
    case LVT_PNG_TRUNCATED, LVT_PNG_DAMAGED:
      throw .unknownFormat(file: file, expected: "a whole PNG", found: "a fault: \(reason)")
    default: throw .cannotRead(file: file, reason: reason)
    }
  }
}
