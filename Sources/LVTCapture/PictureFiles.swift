// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// The pictures that a program's argument names.
public struct PictureFiles: Sendable {
  /// Their paths.
  public let paths: [String]
  /// What is in the folder besides, as in `3 files: 2 .webp, 1 .txt`; nil if nothing is.
  public var passedOver: String? { others.text }

  let others: PassedOver

  /// The path itself, or what a folder holds.
  ///
  /// Of a folder these are the files whose names end as those of pictures do, in natural order, 2 before
  /// 10; hidden files and folders inside the folder are left out, and so is a PNG beside a picture of
  /// another kind of the same name, whose labels it mostly holds. A path that is not a folder's is taken
  /// as it is: whether there is a picture becomes clear when it is read.
  ///
  /// - Parameters:
  ///   - path: Of a file or a folder.
  ///   - kinds: What the program reads.
  /// - Throws: ``CaptureError``; its description does not contain the path.
  public init(at path: String, kinds: PictureKinds) throws(CaptureError) {
    var others = PassedOver()
    guard lvt_file_kind_of(path) == LVT_FILE_FOLDER else {
      paths = [path]
      self.others = others
      return
    }
    var error: Int32 = 0
    guard let folder = lvt_folder_open(path, &error) else {
      throw .unreadable(reason: String(cString: lvt_error_text(error)))
    }
    defer { lvt_folder_close(folder) }
    let prefix = path.utf8.last == UInt8(ascii: "/") ? path : path + "/"
    var names: [NaturalName] = []
    while let entry = lvt_folder_next(folder) {
      let name = NaturalName(String(cString: entry))
      guard !name.isHidden else { continue }
      if lvt_file_kind_of(prefix + name.text) == LVT_FILE_FOLDER {
        others.addFolder()
      } else if kinds.endings.contains(where: { name.ends(with: $0) }) {
        names.append(name)
      } else {
        others.addFile(named: name.lowercased)
      }
    }
    names.sort()
    let photographs = names.filter { !$0.ends(with: ".png") }.map { Array($0.stem) }
      .sorted { $0.lexicographicallyPrecedes($1) }
    var kept: [NaturalName] = []
    for name in names {
      if name.ends(with: ".png"), contains(photographs, Array(name.stem)) {
        others.addFile(".png of pictures beside them")
      } else {
        kept.append(name)
      }
    }
    guard !kept.isEmpty else { throw .noPictures(kinds, besides: others.text) }
    paths = kept.map { prefix + $0.text }
    self.others = others
  }
}

/// Whether one of some names in the order of their bytes is this.
private func contains(_ names: [[UInt8]], _ name: [UInt8]) -> Bool {
  var range = names.indices
  while !range.isEmpty {
    let middle = range.lowerBound + range.count / 2
    if names[middle] == name { return true }
    range =
      names[middle].lexicographicallyPrecedes(name)
      ? middle + 1..<range.upperBound : range.lowerBound..<middle
  }
  return false
}

/// A file name that is ordered as people count: digits by number, letters whatever their case.
struct NaturalName: Comparable {
  let text: String
  // Bytes, since comparing strings takes Unicode's tables, large for a program on a board.
  private let bytes: [UInt8]
  /// The bytes, with capital letters of ASCII as small ones.
  let lowercased: [UInt8]

  init(_ text: String) {
    self.text = text
    bytes = Array(text.utf8)
    let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
    lowercased = bytes.map { capitals.contains($0) ? $0 + 32 : $0 }
  }

  var isHidden: Bool { lowercased.first == UInt8(ascii: ".") }

  /// The name without its ending.
  var stem: ArraySlice<UInt8> {
    bytes[..<(bytes.lastIndex(of: UInt8(ascii: ".")) ?? bytes.endIndex)]
  }

  /// Whether it ends so, in letters of any case.
  func ends(with suffix: String) -> Bool {
    lowercased.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }

  static func == (a: NaturalName, b: NaturalName) -> Bool { a.bytes == b.bytes }

  static func < (a: NaturalName, b: NaturalName) -> Bool {
    var rest = (a: a.lowercased[...], b: b.lowercased[...])
    while let x = rest.a.first, let y = rest.b.first {
      if isDigit(x) && isDigit(y) {
        let numbers = (a: takeNumber(&rest.a), b: takeNumber(&rest.b))
        if numbers.a.count != numbers.b.count { return numbers.a.count < numbers.b.count }
        if !numbers.a.elementsEqual(numbers.b) {
          return numbers.a.lexicographicallyPrecedes(numbers.b)
        }
      } else {
        if x != y { return x < y }
        rest.a.removeFirst()
        rest.b.removeFirst()
      }
    }
    if rest.a.isEmpty != rest.b.isEmpty { return rest.a.isEmpty }
    // "a01" and "A1" count alike; any order will do as long as it is one.
    return a.bytes.lexicographicallyPrecedes(b.bytes)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// Removes the digits at the start and returns them without leading zeros, so that the longer
  /// number is the larger one.
  private static func takeNumber(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let digits = bytes.prefix { isDigit($0) }
    bytes = bytes[digits.endIndex...]
    return digits.drop { $0 == UInt8(ascii: "0") }
  }
}
