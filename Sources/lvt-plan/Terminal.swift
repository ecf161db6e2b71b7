// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
internal import LVTPlanner
internal import Synchronization

/// What the commands share: messages, files, hashes.
enum Terminal {
  /// Writes a line to standard error.
  static func report(_ line: String) {
    FileHandle.standardError.write(Data(("lvt-plan: " + line + "\n").utf8))
  }

  /// Writes a file under a temporary name and renames it.
  static func write(_ bytes: [UInt8], to path: String) throws {
    do { try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
      throw Failure("\(path): cannot be written: \(error.localizedDescription)")
    }
  }

  static func sha256(ofFile path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure("\(path): cannot be read")
    }
    return data.withUnsafeBytes { hexadecimal(SHA256.hash($0)) }
  }

  static func sha256(of pictures: [[UInt8]]) -> String {
    var sha = SHA256()
    for picture in pictures { picture.withUnsafeBytes { sha.update($0) } }
    return hexadecimal(sha.finish())
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
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

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
