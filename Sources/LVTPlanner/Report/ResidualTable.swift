// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVTModel

/// What each width of the residual stream costs and gains, as lines.
public struct ResidualTable {
  private let choice: ResidualChoice
  private let hasClasses: Bool

  /// A table of what the planner tried for a plan.
  public init(_ compiled: CompiledPlan) {
    choice = compiled.residual
    hasClasses = compiled.plan.classes != nil
  }

  /// The lines.
  public var text: String {
    var lines: [String] = []
    for (i, trial) in choice.trials.enumerated() {
      let name =
        trial.stages.isEmpty
        ? "int8"
        : "int16 in stage " + trial.stages.sorted().map { "\($0 + 1)" }.joined(separator: ", ")
      lines.append(
        (i == 0 ? "residual  " : "          ")
          + name.padding(toLength: 26, withPad: " ", startingAt: 0)
          + String(
            format: " %5.1f dB  %@%@ arena  %.2f MMAC%@", trial.agreement.decibels,
            hasClasses ? String(format: "%6.2f %% same class  ", 100 * trial.agreement.share) : "",
            bytes(trial.arenaBytes), Double(trial.macs) / 1e6, i == choice.chosen ? "  ←" : ""))
    }
    if choice.trials.count > 1 { lines.append("          ← \(choice.reason)") }
    return lines.joined(separator: "\n")
  }
}
