// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Reads a file with one class name a line.
public enum LabelFile {
  /// The longest name that is read, in bytes.
  public static let longestName = 200
  private static let maximumByteCount = 16 << 20

  /// The names, without white space around them, and without empty lines at the end.
  ///
  /// Lines end as on any system, a byte order mark at the start is no part of the first name.
  ///
  /// - Throws: ``ImportError`` if the file cannot be read, is no UTF-8, or has a longer line.
  public static func read(path: String) throws(ImportError) -> [String] {
    let file = try FileBytes(path: path)
    guard file.count <= maximumByteCount else {
      throw .limitExceeded(
        file: path, offset: 0, quantity: "a label file of \(file.count) bytes",
        limit: maximumByteCount)
    }
    let bytes = file.withBytes(in: 0..<file.count) { Array($0) }
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw .unknownFormat(
        file: path, expected: "text in UTF-8",
        found: bytes.contains(0) ? "zeros, as UTF-16 has" : "other bytes")
    }
    return try lines(of: text, file: path)
  }

  /// Whether a text from elsewhere could be a line of such a file.
  static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= longestName
      && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
  }

  static func lines(of text: String, file: String) throws(ImportError) -> [String] {
    // As scalars: "\r\n" is one Character.
    var scalars = text.unicodeScalars[...]
    if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
    let unified = String(String.UnicodeScalarView(scalars)).replacing("\r\n", with: "\n")
    var lines = unified.unicodeScalars.split(omittingEmptySubsequences: false) {
      $0 == "\n" || $0 == "\r"
    }.map { String($0).trimmingCharacters(in: .whitespaces) }
    while lines.last == "" { lines.removeLast() }
    if let line = lines.firstIndex(where: { $0.utf8.count > longestName }) {
      throw .missing(
        file: file, expected: "a label of at most \(longestName) bytes in line \(line + 1)",
        found: "one of \(lines[line].utf8.count)")
    }
    return lines
  }
}
