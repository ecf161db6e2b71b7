// SPDX-License-Identifier: Apache-2.0
internal import CLVTBoards

/// The boards of the folder `boards`, which are part of the program.
public enum KnownBoards {
  /// Their names, in order.
  public static let names = (0..<lvt_board_count()).map { String(cString: lvt_board_at($0).name) }

  /// The board of that name, or of the `board.json` at that path.
  ///
  /// - Throws: ``BoardError``
  public static func board(_ name: String) throws(BoardError) -> Board {
    if name.hasSuffix(".json") { return try Board(path: name) }
    guard let index = names.firstIndex(of: name) else { throw .unknown(name, known: names) }
    return try Board(FileBytes(bytes(index), name: name))
  }

  /// What is in the file of a board.
  static func bytes(_ index: Int) -> [UInt8] {
    let file = lvt_board_at(index)
    return Array(UnsafeRawBufferPointer(start: file.bytes, count: file.count))
  }
}
