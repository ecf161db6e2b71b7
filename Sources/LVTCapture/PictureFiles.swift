// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// Finds the pictures that a program's argument names.
public enum PictureFiles {
  /// The path itself, or what a folder holds.
  ///
  /// Of a folder these are the `.jpg` and `.jpeg` files in natural order, 2 before 10; hidden files
  /// and folders inside the folder are left out. A path that is not a folder's is returned as it
  /// is: whether there is a picture becomes clear when it is read.
  ///
  /// - Throws: ``CaptureError``; its description does not contain the path.
  public static func at(_ path: String) throws(CaptureError) -> [String] {
    guard lvt_file_kind_of(path) == LVT_FILE_FOLDER else { return [path] }
    var error: Int32 = 0
    guard let folder = lvt_folder_open(path, &error) else {
      throw .unreadable(reason: String(cString: lvt_error_text(error)))
    }
    defer { lvt_folder_close(folder) }
    let prefix = path.utf8.last == UInt8(ascii: "/") ? path : path + "/"
    var names: [NaturalName] = []
    while let entry = lvt_folder_next(folder) {
      let name = NaturalName(String(cString: entry))
      guard name.isVisiblePicture, lvt_file_kind_of(prefix + name.text) != LVT_FILE_FOLDER else {
        continue
      }
      names.append(name)
    }
    guard !names.isEmpty else { throw .noPictures }
    names.sort()
    return names.map { prefix + $0.text }
  }
}

/// A file name that is ordered as people count: digits by number, letters whatever their case.
struct NaturalName: Comparable {
  let text: String
  // Bytes, since comparing strings takes Unicode's tables, large for a program on a board.
  private let bytes: [UInt8]
  private let lowercased: [UInt8]

  init(_ text: String) {
    self.text = text
    bytes = Array(text.utf8)
    let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
    lowercased = bytes.map { capitals.contains($0) ? $0 + 32 : $0 }
  }

  var isVisiblePicture: Bool {
    guard lowercased.first != UInt8(ascii: ".") else { return false }
    return ends(with: ".jpg") || ends(with: ".jpeg")
  }

  private func ends(with suffix: String) -> Bool {
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
