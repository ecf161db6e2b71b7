// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport

/// Scripts of the shell that call the two programs as `lvt-infer` and `lvt-plan`, for redirections, limits and
/// names of any bytes.
///
/// They run in a folder of their own.
final class Shell: Sendable {
  struct Outcome: Sendable {
    /// 128 + n of a program that signal n ended.
    let code: Int32
    let output: String
    let errors: String
  }

  let folder = NSTemporaryDirectory() + "lvt-" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// `$tiny` is a small plan, `$demo` the bundled network's folder and `$jpeg` a picture.
  ///
  /// Waits on a thread of its own: the few that tests share are for those that work.
  func run(_ script: String) async throws -> Outcome {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try self.wait(for: script) })
      }
    }
  }

  private func wait(for script: String) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", "ulimit -c 0; " + script]
    process.currentDirectoryURL = URL(filePath: folder)
    var environment = ProcessInfo.processInfo.environment
    // The programs lie beside the test bundle.
    let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
    environment["PATH"] = products + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
    environment["tiny"] = fixtures + "/plan/tiny.lvt"
    environment["demo"] = repository + "/tools/demo"
    environment["jpeg"] = repository + "/tools/demo/pictures/bag-1.jpg"
    process.environment = environment
    let output = Pipe(), errors = Pipe()
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let errorText = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(
      code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: errorText, as: UTF8.self))
  }
}
