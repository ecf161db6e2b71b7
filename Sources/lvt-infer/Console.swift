// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// Results go to standard output, everything else to standard error.
enum Console {
  /// Writes a line to standard output.
  ///
  /// A reader that has gone (a closed pipe) ends the program.
  static func print(_ line: String) { write(line, to: 1) }

  /// Writes a line over the last one of a terminal.
  static func printOver(_ line: String) {
    let bytes = Array("\r\(line)\u{1B}[K".utf8)
    if lvt_write_all(1, bytes, bytes.count) != 0 { lvt_exit(1) }
  }

  /// Writes a line to standard error.
  static func report(_ line: String) { write("lvt-infer: " + line, to: 2) }

  private static func write(_ line: String, to descriptor: Int32) {
    var bytes = Array(line.utf8)
    bytes.append(0x0A)
    if lvt_write_all(descriptor, bytes, bytes.count) != 0 { lvt_exit(1) }
  }
}

/// Text padded with spaces on the right, or on the left, to a width in characters.
func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
  let count = text.unicodeScalars.count
  let spaces = String(repeating: " ", count: max(0, width - count))
  return left ? spaces + text : text + spaces
}
