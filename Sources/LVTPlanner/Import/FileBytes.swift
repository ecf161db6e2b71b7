// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The whole content of a file, read-only, with bounds-checked access.
///
/// A file is mapped, not copied: a released checkpoint carries optimizer state that is twice the
/// size of the network and is never touched. The bytes stay valid for the lifetime of the object.
/// A file that another process truncates while it is mapped cannot be guarded against.
final class FileBytes: Sendable {
  /// The path as the caller gave it, for error messages.
  let name: String

  /// The number of bytes; never zero for a file that was opened by path.
  let count: Int

  private nonisolated(unsafe) let base: UnsafeRawPointer
  private let isMapped: Bool

  /// Maps the file at `path`.
  ///
  /// - Throws: ``ImportError/cannotRead(file:reason:)`` if there is no such file, if it may not be
  ///   read, if it is a directory, a pipe or a device, or if it is empty.
  init(path: String) throws(ImportError) {
    let descriptor = lvt_open_read(path)
    guard descriptor >= 0 else {
      throw .cannotRead(file: path, reason: String(cString: lvt_error_text(descriptor)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .cannotRead(file: path, reason: String(cString: strerror(errno)))
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .cannotRead(file: path, reason: "expected a file, found a directory")
    default: throw .cannotRead(file: path, reason: "expected a file, found a pipe or a device")
    }
    guard let size = Int(exactly: status.st_size), size > 0 else {
      throw .cannotRead(file: path, reason: "the file is empty")
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
      address != MAP_FAILED
    else {
      throw .cannotRead(file: path, reason: String(cString: strerror(errno)))
    }
    name = path
    count = size
    base = UnsafeRawPointer(address)
    isMapped = true
  }

  /// Wraps a copy of `bytes`, which may be empty, as if they came from a file called `name`.
  init(_ bytes: some Collection<UInt8>, name: String) {
    let copy = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(bytes.count, 1), alignment: 16)
    copy.copyBytes(from: bytes)
    self.name = name
    count = bytes.count
    // `allocate` with a positive count always has a base address.
    base = UnsafeRawPointer(copy.baseAddress.unsafelyUnwrapped)
    isMapped = false
  }

  deinit {
    if isMapped {
      munmap(UnsafeMutableRawPointer(mutating: base), count)
    } else {
      base.deallocate()
    }
  }

  /// Calls `body` with the bytes of `range`, which must lie inside the file.
  func withBytes<Result, Failure: Error>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside the file")
    return try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
  }

  /// The byte at `offset`, which must lie inside the file.
  subscript(offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < count, "offset outside the file")
    return base.load(fromByteOffset: offset, as: UInt8.self)
  }

  private var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
}
