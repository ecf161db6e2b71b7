// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// A regular file that is read from its start on.
///
/// It is not mapped: another process may shorten or lengthen it meanwhile, and reading only meets its
/// end earlier or later.
struct OpenFile: ~Copyable {
  private let descriptor: Int32
  /// Bytes that it had when it was opened.
  let size: Int

  /// - Throws: ``CaptureError/unreadable(reason:)``, also for folders, pipes and devices.
  init(path: String) throws(CaptureError) {
    var size = 0
    descriptor = lvt_open_file(path, &size)
    self.size = size
    guard descriptor >= 0 else {
      if lvt_file_kind_of(path) == LVT_FILE_OTHER {
        throw .unreadable(reason: "a pipe or a device, expected a file")
      }
      throw .unreadable(reason: String(cString: lvt_error_text(descriptor)))
    }
  }

  deinit { lvt_close(descriptor) }

  /// Reads the next bytes: as many as there is room for, or fewer at the end of the file.
  func read(into room: UnsafeMutableRawBufferPointer) throws(CaptureError) -> Int {
    var count = 0
    while count < room.count, let start = room.baseAddress {
      let more = lvt_read(descriptor, start + count, room.count - count)
      guard more >= 0 else {
        throw .unreadable(reason: String(cString: lvt_error_text(Int32(more))))
      }
      if more == 0 { break }
      count += more
    }
    return count
  }
}
