// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CLVTSystem
internal import Foundation
internal import LVT
internal import LVTPlanner

// lvt-plan: compiles a trained network to a plan. From here: Compile.run → Planner.compile →
// Calibration → Lowering → ArenaLayout.

@main
struct LVTPlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lvt-plan",
    abstract: "Compiles a trained vision network to an int8 plan for lvt-infer.",
    discussion: """
      lvt-plan model.pth --calibrate photos/ -o model.lvt

      'lvt-plan help compile' lists the options of compiling.
      """,
    version: lvtVersion,
    subcommands: [
      Compile.self, Inspect.self, Predict.self, Compare.self, Families.self, Boards.self,
    ],
    defaultSubcommand: Compile.self)

  /// Runs the command, and writes what the argument parser has to say by the same checked way as all else.
  static func main() {
    lvt_hold_standard_descriptors()
    do {
      let arguments = (1..<max(1, lvt_argument_count())).compactMap {
        lvt_argument($0).map(pathText)
      }
      var command = try parseAsRoot(arguments)
      try command.run()
      lvt_exit(Terminal.hasLostReports ? 1 : 0)
    } catch { end(error) }
  }

  private static func end(_ error: any Error) -> Never {
    let code = exitCode(for: error), message = fullMessage(for: error)
    if code == .success {
      Terminal.print(message)
      lvt_exit(0)
    }
    // What failed is one line; what the parser says of wrong usage has more.
    let lines = code == .failure ? [message] : message.components(separatedBy: "\n")
    if !message.isEmpty {
      Terminal.writeError(lines.map { terminalText($0) }.joined(separator: "\n") + "\n")
    }
    lvt_exit(code.rawValue)
  }
}

struct Families: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the networks that can be compiled, with their published sizes.")

  func run() { Terminal.print(Family.table) }
}
