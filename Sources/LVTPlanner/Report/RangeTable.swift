// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT

/// How each tensor's range was chosen, as lines: the counts of each method, and the noisiest tensors.
public struct RangeTable {
  private let compiled: CompiledPlan

  /// A table of a plan's choices.
  public init(_ compiled: CompiledPlan) { self.compiled = compiled }

  /// The lines.
  public var text: String {
    let choices = compiled.choices.sorted {
      ($0.value.decibels, name($0.key)) < ($1.value.decibels, name($1.key))
    }
    let methods: [RangeMethod] = [.minMax, .percentile, .meanSquaredError]
    let counts = methods.map { method in
      "\(choices.filter { $0.value.method == method }.count) by \(method.rawValue)"
    }
    var lines = ["ranges    " + counts.joined(separator: ", ") + "; the noisiest:"]
    for (point, choice) in choices.prefix(3) {
      lines.append(
        String(format: "          %.1f dB  ", choice.decibels)
          + "\(name(point)), \(choice.method.rawValue)")
    }
    return lines.joined(separator: "\n")
  }

  private func name(_ point: Point) -> String {
    let layer = compiled.network.graph.name(of: point.value) ?? ""
    let name = point.role == .output ? layer : "\(layer) \(point.role.name)"
    return terminalText(name, limit: 80)
  }
}
