// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
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
      """,
    version: lvtVersion,
    subcommands: [Compile.self, Inspect.self, Predict.self, Families.self, Boards.self],
    defaultSubcommand: Compile.self)
}

struct Families: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the networks that can be compiled, with their published sizes.")

  func run() { print(Family.table) }
}
