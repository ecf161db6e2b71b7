// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import Foundation
internal import LVT
internal import LVTPlanner
internal import Synchronization

/// What the commands share: messages, files, hashes.
///
/// Results go to standard output, everything else to standard error.
enum Terminal {
  private static let results = Atomic(Int32(STDOUT_FILENO))
  /// Whether something for standard error could not be written, so that it may have been missed.
  private static let lostReports = Atomic(false)

  static var hasLostReports: Bool { lostReports.load(ordering: .relaxed) }

  /// Writes a line to standard error.
  static func report(_ line: String) { writeError("lvt-plan: " + terminalText(line) + "\n") }

  /// Says what a folder holds besides pictures, if anything.
  static func report(passedOver others: String?, in folder: String) {
    if let others { report("\(folder): passed over \(others)") }
  }

  /// Writes to standard error; the work goes on where nobody can read it.
  static func writeError(_ text: String) {
    let bytes = Array(text.utf8)
    if lvt_write_all(STDERR_FILENO, bytes, bytes.count) != 0 {
      lostReports.store(true, ordering: .relaxed)
    }
  }

  /// The columns of the terminal that results go to; as many as one likes where they go elsewhere.
  static var columns: Int {
    let columns = lvt_columns(results.load(ordering: .relaxed))
    return columns > 0 ? Int(columns) : .max
  }

  /// A line as several that fit the terminal, the later ones indented as the text behind the first one's first word.
  private static func fitted(_ line: String, _ columns: Int) -> String {
    let isJSON = line.hasPrefix("{") || line.hasPrefix("[")
    guard line.count > columns, columns >= 40, !isJSON else { return line }
    let head = line.prefix { $0 != " " }, gap = line.dropFirst(head.count).prefix { $0 == " " }
    let indent = String(repeating: " ", count: min(head.count + gap.count, 10))
    var lines: [String] = [], rest = Substring(line), room = columns
    while rest.count > room {
      let part = rest.prefix(room + 1)
      let end = part.lastIndex(of: " ").flatMap { $0 > rest.startIndex ? $0 : nil }
      let cut = end ?? rest.index(rest.startIndex, offsetBy: room)
      if rest[..<cut].allSatisfy({ $0 == " " }) { break }
      lines.append(String(rest[..<cut]))
      rest = rest[cut...].drop { $0 == " " }
      room = columns - indent.count
    }
    return (lines + [String(rest)]).joined(separator: "\n" + indent)
  }

  /// Writes lines to standard output, of which long ones are broken where that is a terminal.
  ///
  /// A reader that has gone (a closed pipe) ends the program, and so does a disk that is full.
  static func print(_ lines: String) {
    let columns = columns
    let fitting = lines.split(separator: "\n", omittingEmptySubsequences: false)
      .map { fitted(String($0), columns) }.joined(separator: "\n")
    let bytes = Array((fitting + "\n").utf8)
    let descriptor = results.load(ordering: .relaxed)
    let status = lvt_write_all(descriptor, bytes, bytes.count)
    if status == 0 { return }
    if descriptor == STDOUT_FILENO { report("standard output: \(reason(status))") }
    lvt_exit(1)
  }

  /// Checks the place for a file before the work starts: it may be none of the files that are read.
  ///
  /// If it is standard output, results go to standard error from now on.
  static func prepareOutput(_ path: String, keeping inputs: [String]) throws {
    try require(lvt_check_output(path), path)
    if let input = inputs.first(where: { lvt_is_same_file($0, path) }) {
      throw Failure("\(name(path)): is the input \(input); expected another file to write")
    }
    if lvt_is_standard_output(path) { results.store(STDERR_FILENO, ordering: .relaxed) }
  }

  /// Writes a file, as lvt_write_file does.
  static func write(_ bytes: [UInt8], to path: String) throws {
    try require(lvt_write_file(path, bytes, bytes.count, nil, 0), path)
  }

  private static func require(_ status: Int32, _ path: String) throws {
    if status != 0 { throw Failure("\(name(path)): cannot be written: \(reason(status))") }
  }

  /// What an output file is called in messages.
  static func name(_ path: String) -> String { path == "-" ? "standard output" : path }

  private static func reason(_ status: Int32) -> String { String(cString: lvt_error_text(status)) }

  static func sha256(ofFile path: String) throws -> String {
    let file = try FileBytes(path: path)
    return hexadecimal(file.withBytes(in: 0..<file.count) { SHA256.hash($0) })
  }

  static func sha256(of pictures: [[UInt8]]) -> String {
    var sha = SHA256()
    for picture in pictures { picture.withUnsafeBytes { sha.update($0) } }
    return hexadecimal(sha.finish())
  }
}

/// A bar on standard error if that is a terminal, else a line when a stage begins.
final class ProgressBar: Sendable {
  private struct State {
    var stage = ""
    var shown = -1
  }

  private let state = Mutex(State())
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private static let width = 32

  /// Shows how far a stage is; from any thread.
  func show(_ stage: String, _ done: Int, _ total: Int) {
    state.withLock { state in
      if state.stage != stage {
        if isTerminal, state.shown >= 0 { write("\n") }
        state = State(stage: stage)
        if !isTerminal { write("\(stage)\n") }
      }
      let filled = Self.width * done / max(1, total)
      guard isTerminal, filled > state.shown else { return }
      state.shown = filled
      let bar =
        String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
      let name = stage.padding(toLength: 12, withPad: " ", startingAt: 0)
      write("\r\(name) \(bar) \(100 * done / max(1, total)) %")
    }
  }

  /// Ends the last stage's line.
  func finish() {
    state.withLock { state in
      if isTerminal, state.shown >= 0 { write("\n") }
      state = State()
    }
  }

  private func write(_ text: String) { Terminal.writeError(text) }
}
