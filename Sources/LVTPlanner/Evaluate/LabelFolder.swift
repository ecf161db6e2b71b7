// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// Finds the label pictures of pictures: that of `a/b.jpg` is `b.png` in the folder.
public struct LabelFolder: Sendable {
  /// A picture and the picture of its labels.
  public struct Pair: Equatable, Sendable {
    /// Where the picture is.
    public let picture: String
    /// Where its labels are.
    public let labels: String
  }

  /// Pictures that have labels, in the order given.
  public let pairs: [Pair]
  /// Pictures that have none.
  public let missing: [String]

  /// Looks for labels of pictures.
  ///
  /// - Parameters:
  ///   - path: The folder.
  ///   - pictures: Paths of files.
  /// - Throws: ``ImportError`` if no picture has labels, or two pictures have the same.
  public init(path: String, pictures: [String]) throws(ImportError) {
    guard lvt_file_kind_of(path) == LVT_FILE_FOLDER else {
      throw .cannotRead(file: path, reason: "expected a folder of label PNGs")
    }
    var pairs: [Pair] = []
    var missing: [String] = []
    var known: Set<String> = []
    for picture in pictures {
      let labels = path + (path.hasSuffix("/") ? "" : "/") + Self.stem(picture) + ".png"
      guard lvt_file_kind_of(labels) == LVT_FILE_REGULAR else {
        missing.append(picture)
        continue
      }
      guard known.insert(labels).inserted else {
        throw .missing(
          file: labels, expected: "one picture with these labels",
          found: "more, '\(picture)' among them")
      }
      pairs.append(Pair(picture: picture, labels: labels))
    }
    guard !pairs.isEmpty else {
      let name = pictures.first.map { "'\(Self.stem($0)).png'" } ?? "pictures"
      throw .missing(file: path, expected: "labels such as \(name)", found: "none of them")
    }
    self.pairs = pairs
    self.missing = missing
  }

  /// A file's name without folders and ending.
  private static func stem(_ path: String) -> Substring {
    let name = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
    return name[..<dot]
  }
}
