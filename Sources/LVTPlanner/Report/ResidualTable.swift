// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// What each width of the residual stream costs and gains, as lines.
public struct ResidualTable {
  private let choice: ResidualChoice

  /// A table of what the planner tried.
  public init(_ choice: ResidualChoice) { self.choice = choice }

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
            format: " %5.1f dB  %6.2f %% same class  %@ arena  %.2f MMAC%@",
            trial.agreement.decibels, 100 * trial.agreement.share, bytes(trial.arenaBytes),
            Double(trial.macs) / 1e6, i == choice.chosen ? "  ←" : ""))
    }
    if choice.trials.count > 1 { lines.append("          ← \(choice.reason)") }
    return lines.joined(separator: "\n")
  }
}
