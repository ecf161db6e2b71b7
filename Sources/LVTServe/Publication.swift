// SPDX-License-Identifier: Apache-2.0
internal import LVTCapture
internal import LVTImage

/// What the newest frame leaves for the server's thread, in memory that is used again.
struct Publication {
  /// A copy of a frame's picture, in `memory`.
  private(set) var picture: Frame.Content?
  /// A JSON line of the results, and one of all that was found; nil where nobody reads it.
  var line: String?, everything: String?
  var totals = LiveTotals()
  /// When the frame was taken, since 1970.
  var seconds = ""
  private let memory = ReusableMemory()

  /// Takes a copy of a picture; there is none where there is no memory.
  mutating func copy(_ content: Frame.Content?) {
    picture = nil
    do throws(ImageError) {
      switch content {
      case nil: break
      case .jpeg(let bytes): picture = .jpeg(try copy(bytes))
      case .pixels(let view):
        let count = try ImageView.byteCount(
          format: view.format, width: view.width, height: view.height, stride: view.stride)
        let bytes = try copy(UnsafeRawBufferPointer(start: view.base, count: count))
        picture = .pixels(
          try ImageView(
            format: view.format, width: view.width, height: view.height, stride: view.stride,
            colour: view.colour, bytes: bytes))
      }
    } catch {}
  }

  private func copy(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> UnsafeRawBufferPointer {
    let room = UnsafeMutableRawBufferPointer(
      start: try memory.reserve(bytes.count), count: bytes.count)
    room.copyMemory(from: bytes)
    return UnsafeRawBufferPointer(room)
  }
}
