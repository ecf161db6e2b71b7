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
    if !message.isEmpty {
      let text = message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message
      guard code == .validationFailure else {
        Terminal.report(text)
        lvt_exit(code.rawValue)
      }
      let (command, unknown) = usage
      let first = text.prefix { $0 != "\n" }
      Terminal.report(unknown ?? first.prefix(1).lowercased() + first.dropFirst())
      Terminal.report("try 'lvt-plan help\(command)'")
    }
    lvt_exit(code.rawValue)
  }

  /// The command that the arguments name, as one says it after `help`, and what is wrong with its options.
  ///
  /// Of unknown options the parser says nothing where an argument is missing as well.
  private static var usage: (command: String, unknown: String?) {
    let arguments = CommandLine.arguments.dropFirst()
    let commands = configuration.subcommands
    func name(_ command: any ParsableCommand.Type) -> String {
      command.configuration.commandName ?? "\(command)".lowercased()
    }
    let named = commands.first { name($0) == arguments.first }
    let command = named ?? (arguments.isEmpty ? self : Compile.self)
    let options = OptionNames(usage: helpMessage(for: command, columns: 1000))
    let given = arguments.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }
      .map { String($0.prefix { $0 != "=" }) }
    return (
      named == nil && arguments.isEmpty ? "" : " \(name(command))",
      given.first { !options.contains($0) }.map { options.complaint(about: $0) }
    )
  }
}

struct Families: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the networks that can be compiled, with their published sizes.")

  func run() { Terminal.print(Family.table) }
}
