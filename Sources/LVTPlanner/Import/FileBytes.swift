// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// The whole content of a file, read-only, with bounds-checked access.
///
/// A file is mapped, not copied: a released checkpoint carries optimizer state that is twice the
/// size of the network and is never touched. The bytes stay valid for the lifetime of the object.
/// A file that another process truncates while it is mapped cannot be guarded against.
package final class FileBytes: Sendable {
  /// The path as the caller gave it, for error messages.
  let name: String

  /// The number of bytes; never zero for a file that was opened by path.
  package let count: Int

  private nonisolated(unsafe) let base: UnsafeRawPointer
  /// Nil for a copy.
  private nonisolated(unsafe) let mapping: lvt_mapping?

  /// Maps the file at `path`.
  ///
  /// - Throws: ``ImportError/cannotRead(file:reason:)`` if there is no such file, if it may not be
  ///   read, if it is a directory, a pipe or a device, or if it is empty.
  package init(path: String) throws(ImportError) {
    var mapping = lvt_mapping()
    let status = lvt_map_file(path, &mapping)
    guard status == 0 else {
      let reason =
        switch lvt_file_kind_of(path) {
        case LVT_FILE_FOLDER: "expected a file, found a directory"
        case LVT_FILE_OTHER: "expected a file, found a pipe or a device"
        default: String(cString: lvt_error_text(status))
        }
      throw .cannotRead(file: path, reason: reason)
    }
    guard let bytes = mapping.bytes else {
      throw .cannotRead(file: path, reason: "the file is empty")
    }
    name = path
    count = mapping.count
    base = UnsafeRawPointer(bytes)
    self.mapping = mapping
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
    mapping = nil
  }

  deinit {
    if let mapping {
      lvt_unmap_file(mapping)
    } else {
      base.deallocate()
    }
  }

  /// Calls `body` with the bytes of `range`, which must lie inside the file.
  package func withBytes<Result, Failure: Error>(
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
