// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT

/// Results go to standard output, everything else to standard error.
enum Console {
  /// One thread prints.
  private nonisolated(unsafe) static var results: Int32 = 1
  /// Whether a line for standard error could not be written, so that something may have been missed.
  private(set) nonisolated(unsafe) static var hasLostReports = false

  /// Leaves standard output to a file that is written there; results go to standard error.
  static func giveOutputAway() { results = 2 }

  /// What an output file is called in messages.
  static func name(_ path: String) -> String { path == "-" ? "standard output" : path }

  /// Whether results go to a terminal.
  static var isTerminal: Bool { lvt_is_terminal(results) }

  /// Writes a line to standard output.
  ///
  /// A reader that has gone (a closed pipe) ends the program, and so does a disk that is full.
  static func print(_ line: String) { write(line + "\n") }

  /// Writes a line over the last one of a terminal, cut to its width, until ``endLine()``.
  static func printOver(_ line: String) {
    var line = line
    require(line.withUTF8 { lvt_show_line(results, $0.baseAddress, $0.count) })
  }

  /// Goes to the next line after ``printOver(_:)``.
  static func endLine() { require(lvt_end_line()) }

  private static func write(_ text: String) {
    let bytes = Array(text.utf8)
    require(lvt_write_all(results, bytes, bytes.count))
  }

  private static func require(_ status: Int32) {
    if status == 0 { return }
    if results == 1 { report("standard output: \(String(cString: lvt_error_text(status)))") }
    lvt_exit(1)
  }

  /// Writes a line to standard error.
  ///
  /// The work goes on where nobody can read it.
  static func report(_ line: String) {
    endLine()
    let bytes = Array("lvt-infer: \(terminalText(line))\n".utf8)
    if lvt_write_all(2, bytes, bytes.count) != 0 { hasLostReports = true }
  }
}

/// Text padded with spaces on the right, or on the left, to a width in characters.
func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
  let count = text.unicodeScalars.count
  let spaces = String(repeating: " ", count: max(0, width - count))
  return left ? spaces + text : text + spaces
}
