// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// The folder `boards` with a folder for each board.
public struct BoardFolder: Sendable {
  private let path: String?

  /// The first of these that exists: `boards` in the working directory, then beside the program or
  /// above it, where it lies when lvt-plan runs from its build folder.
  public init() {
    var folder = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
    var candidates = [FileManager.default.currentDirectoryPath]
    while let here = folder, here.path != "/" {
      candidates.append(here.path)
      folder = here.deletingLastPathComponent()
    }
    path = candidates.map { $0 + "/boards" }.first { path in
      Self.names(in: path).contains { !$0.isEmpty }
    }
  }

  /// The folder at a path.
  public init(path: String) { self.path = path }

  /// The boards' names, in order.
  public var names: [String] { path.map(Self.names) ?? [] }

  private static func names(in path: String) -> [String] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return entries.filter { FileManager.default.fileExists(atPath: "\(path)/\($0)/board.json") }
      .sorted()
  }

  /// The board of that name, or of the `board.json` at that path.
  ///
  /// - Throws: ``BoardError``
  public func board(_ name: String) throws(BoardError) -> Board {
    if name.hasSuffix(".json") { return try Board(path: name) }
    guard let path, names.contains(name) else { throw .unknown(name, known: names) }
    return try Board(path: "\(path)/\(name)/board.json")
  }
}
