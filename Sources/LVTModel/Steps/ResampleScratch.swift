// SPDX-License-Identifier: Apache-2.0

/// What a row of a grid is read with: where each column lies, a row between two rows of the map as int16,
/// and the row of the grid.
public struct ResampleScratch: Sendable {
  /// Offsets of the parts.
  public let places, between, row: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a map, with `pitch` bytes from position to position, that is read at so many columns.
  public init(_ map: Shape, pitch: Int, grid columns: Int) {
    var cursor = ScratchCursor()
    places = cursor.reserve(columns * 8)
    between = cursor.reserve(map.width * map.paddedChannels * 2)
    row = cursor.reserve(columns * pitch)
    byteCount = cursor.byteCount
  }
}
