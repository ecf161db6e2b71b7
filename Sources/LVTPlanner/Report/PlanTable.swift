// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
public import LVTModel

/// A plan as a table: what each step computes, with which kernels, and what it needs.
public struct PlanTable {
  private let plan: Plan

  /// A table of a plan.
  public init(_ plan: Plan) { self.plan = plan }

  /// The table and the lines below it.
  ///
  /// - Parameter columns: So wide it may be at most; a narrower table has less in it.
  public func text(columns: Int = .max) -> String {
    var rows: [[String]] = [
      ["step", "layer", "operation", "kernels", "input", "output", "MMAC", "weights", "arena"]
    ]
    let names = plan.layerNames
    for (i, step) in plan.steps.enumerated() {
      let operands = plan.operands(of: step)
      rows.append([
        "\(i)", terminalText(names[i], limit: 80), step.operation.name,
        step.operation.kernels.joined(separator: " "), "\(operands.input.shape)",
        "\(operands.output.shape)",
        String(
          format: "%.2f",
          Double(step.operation.work(operands).multiplications) / 1e6),
        bytes(step.operation.constantBytes), bytes(plan.liveBytes(at: i)),
      ])
    }
    return aligned(rows, columns) + "\n" + summary
  }

  private var summary: String {
    var lines: [String] = []
    lines.append("arena     \(bytes(plan.arenaBytes))" + verdict)
    lines.append(
      "          \(bytes(plan.scratchBytes)) more for each thread after the first")
    lines.append(
      "work      \(String(format: "%.2f", Double(plan.multiplications) / 1e6)) MMAC"
        + (plan.work > PlanLimits().work
          ? ", which runs only where work of \(plan.work) is allowed" : ""))
    lines.append(
      "plan      \(bytes(plan.fileBytes.count)), \(bytes(plan.constants.count)) of it constants")
    let input = plan.input
    lines.append(
      "input     \(input.width)×\(input.height) RGB, "
        + (input.interpolation == .bilinear ? "bilinear" : "bicubic") + fit)
    lines.append("results   " + plan.outputs.map { result($0) }.joined(separator: ", "))
    if plan.classes != nil {
      lines.append(
        "classes   \(plan.classCount)"
          + (plan.labels.isEmpty
            ? ", no labels"
            : ": " + plan.labels.prefix(12).map { terminalText($0) }.joined(separator: ", ")))
    }
    for entry in plan.shownProvenance {
      lines.append("\(terminalText(entry.key)): \(terminalText(entry.value))")
    }
    return lines.joined(separator: "\n")
  }

  /// What is said about the input's proportions, behind the filter.
  private var fit: String {
    switch plan.input.fit {
    case .stretch: ""
    case .crop(let fraction): String(format: ", centre %.3g of the shorter edge", fraction)
    case .letterbox(let padding): ", whole picture padded with \(padding.hexadecimalText)"
    }
  }

  /// `stage0 56×56×96 int8`.
  private func result(_ output: PlanOutput) -> String {
    let tensor = plan.tensors[output.tensor]
    return "\(terminalText(output.name, limit: 80)) \(tensor.shape) \(tensor.type.name)"
  }

  /// How near the arena is to the lower bound.
  private var verdict: String {
    guard let bound = plan.arenaLowerBound else { return "" }
    let isOptimal = plan.provenance("arena.optimal") == "yes"
    return ", lower bound \(bytes(bound)): "
      + (isOptimal
        ? "optimal"
        : String(
          format: "%.1f %% above the lower bound",
          100 * Double(plan.arenaBytes - bound) / Double(bound)))
  }

  /// Rows whose columns are equally wide, without the columns and the starts of names for which there is no room.
  private func aligned(_ rows: [[String]], _ columns: Int) -> String {
    let numbers: Set = [0, 6, 7, 8], layer = 1
    var widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    var shown = Array(rows[0].indices)
    func excess() -> Int { shown.reduce(2 * (shown.count - 1)) { $0 + widths[$1] } - columns }
    for spared in ["kernels", "input"] where columns != .max && excess() > 0 {
      shown.removeAll { rows[0][$0] == spared }
    }
    if columns != .max { widths[layer] = max(12, widths[layer] - max(0, excess())) }
    return rows.map { row in
      shown.map { column in
        var text = row[column]
        if text.count > widths[column] { text = "…" + text.suffix(widths[column] - 1) }
        let spaces = String(repeating: " ", count: widths[column] - text.count)
        return numbers.contains(column) ? spaces + text : text + spaces
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}

extension Plan {
  /// The first entry of the provenance, which is not checked, with a key.
  func provenance(_ key: String) -> String? {
    provenance.first { $0.key == key }?.value
  }

  /// The entries of the provenance that people are shown: what is said of steps and memory is shown with these.
  var shownProvenance: [(key: String, value: String)] {
    provenance.filter { entry in
      !["step.", "arena.", ChannelFactors.prefix].contains { entry.key.hasPrefix($0) }
    }
  }

  /// What no arena for these steps can be below, if the provenance says a bound that can be.
  var arenaLowerBound: Int? {
    provenance("arena.lowerBound").flatMap { Int($0) }.flatMap {
      (1...max(1, arenaBytes)).contains($0) ? $0 : nil
    }
  }

  /// Bytes of the arena that hold something during a step, its scratch included.
  func liveBytes(at step: Int) -> Int {
    buffers.reduce(steps[step].scratchBytes) { total, buffer in
      total
        + (buffer.lifetime.overlaps(Lifetime(firstStep: step, lastStep: step))
          ? buffer.byteCount : 0)
    }
  }
}

/// A number of bytes with thousands separated.
func bytes(_ count: Int) -> String {
  var digits = String(count)
  var groups: [String] = []
  while digits.count > 3 {
    groups.insert(String(digits.suffix(3)), at: 0)
    digits.removeLast(3)
  }
  return ([digits] + groups).joined(separator: ",") + " B"
}
