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
    let layers = compiled.network.layers
    let name =
      switch point {
      case .output(let i): layers[i].name
      case .sums(let i): layers[i].name + " sums"
      case .hidden(let i): layers[i].name + " hidden"
      case .activated(let i): layers[i].name + " activated"
      case .normalized(let i): layers[i].name + " normalized"
      case .pooled(let i): layers[i].name + " pooled"
      case .taps(let i): layers[i].name + " taps"
      case .query(let i): layers[i].name + " queries"
      case .key(let i): layers[i].name + " keys"
      case .value(let i): layers[i].name + " values"
      case .attended(let i): layers[i].name + " attended"
      }
    return terminalText(name, limit: 80)
  }
}
