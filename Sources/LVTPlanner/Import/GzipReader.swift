// SPDX-License-Identifier: Apache-2.0

import CZlib

/// Unpacks a gzip file piece by piece, so that a small file cannot claim memory it never fills.
///
/// One member only: no data set is written as several.
final class GzipReader {
  /// The largest factor by which deflate can pack, rounded up: 258 bytes from 2 bits.
  static let maximumRatio = 1_032

  /// The most bytes that are unpacked at once, more than a million pictures of 28 × 28.
  static let maximumCount = 1 << 30

  private let file: FileBytes
  private var stream = z_stream()
  private var position = 0
  private var isAtEnd = false

  /// Prepares to unpack `file`.
  ///
  /// - Throws: ``ImportError/cannotRead(file:reason:)`` if zlib gets no memory.
  init(_ file: FileBytes) throws(ImportError) {
    self.file = file
    let windowBits: Int32 = 15
    let gzipOnly: Int32 = 16
    let status = inflateInit2_(
      &stream, windowBits + gzipOnly, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      throw .cannotRead(file: file.name, reason: "zlib cannot start (code \(status))")
    }
  }

  deinit { inflateEnd(&stream) }

  /// Unpacks the next `count` bytes, block by block: memory grows with what is there and not with what the
  /// file claims.
  ///
  /// - Parameter what: What they are, for the error.
  /// - Throws: ``ImportError`` if the packed data is damaged or has fewer bytes left, or if they are more
  ///   than ``maximumCount``.
  func read(_ count: Int, _ what: @autoclosure () -> String) throws(ImportError) -> [UInt8] {
    guard count <= Self.maximumCount else {
      throw .limitExceeded(
        file: file.name, offset: position, quantity: what(), limit: Self.maximumCount)
    }
    var result: [UInt8] = []
    var block = [UInt8](repeating: 0, count: min(count, 1 << 20))
    while result.count < count {
      let wanted = min(count - result.count, block.count)
      let filled = try block.withUnsafeMutableBufferPointer { block throws(ImportError) in
        try fill(UnsafeMutableBufferPointer(rebasing: block[..<wanted]))
      }
      result += block[..<filled]
      guard filled == wanted else {
        throw .truncated(
          file: file.name, offset: position, expected: "\(what()) in the unpacked data",
          available: result.count)
      }
    }
    return result
  }

  /// Checks that nothing is left, neither unpacked nor packed, and that gzip's checksum agrees.
  func finish() throws(ImportError) {
    var extra: UInt8 = 0
    let count = try withUnsafeMutableBytes(of: &extra) { byte throws(ImportError) in
      try fill(byte.bindMemory(to: UInt8.self))
    }
    guard count == 0, position == file.count else {
      throw .malformed(
        file: file.name, offset: position, expected: "the end of the data", found: "more of it")
    }
  }

  /// Unpacks until `buffer` is full or the data ends, and returns the number of bytes.
  private func fill(_ buffer: UnsafeMutableBufferPointer<UInt8>) throws(ImportError) -> Int {
    var filled = 0
    while filled < buffer.count, !isAtEnd {
      let input = position..<min(file.count, position + (1 << 20))
      let room = min(buffer.count - filled, 1 << 20)
      let status = file.withBytes(in: input) { bytes in
        // zlib takes a mutable pointer but does not write through it.
        stream.next_in = UnsafeMutablePointer(
          mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(bytes.count)
        stream.next_out = buffer.baseAddress.map { $0 + filled }
        stream.avail_out = UInt32(room)
        return inflate(&stream, Z_NO_FLUSH)
      }
      let taken = input.count - Int(stream.avail_in)
      let made = room - Int(stream.avail_out)
      position += taken
      filled += made
      switch status {
      case Z_STREAM_END: isAtEnd = true
      case Z_OK, Z_BUF_ERROR:
        guard taken > 0 || made > 0 else {
          throw .truncated(
            file: file.name, offset: position, expected: "more gzip data", available: 0)
        }
      default:
        throw .malformed(
          file: file.name, offset: position, expected: "gzip data",
          found: stream.msg.map { String(cString: $0) } ?? "zlib's code \(status)")
      }
    }
    return filled
  }
}
