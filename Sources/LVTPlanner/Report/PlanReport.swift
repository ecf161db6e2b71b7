// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
public import LVTModel

/// A page about a plan, for a browser: what was compiled, how well, and what to look at.
///
/// It is one file without scripts that asks for nothing from anywhere, and well-formed as XML too.
public struct PlanReport {
  let compiled: CompiledPlan
  let plan: Plan
  let comparison: LayerComparison
  let pictures: [[UInt8]]
  let names: [String]
  let skipped: Int
  let evaluation: (any Evaluation)?
  let board: Board?

  /// A report.
  ///
  /// - Parameters:
  ///   - plan: The compiled plan, perhaps with an evaluation's figures.
  ///   - comparison: Of the network and this plan on `pictures`.
  ///   - pictures: Those of the calibration.
  ///   - names: Their names, one for each.
  ///   - skipped: Files that should have been calibration pictures but could not be read.
  ///   - board: Whose times are predicted.
  public init(
    _ compiled: CompiledPlan, plan: Plan, comparison: LayerComparison, pictures: [[UInt8]],
    names: [String], skipped: Int = 0, evaluation: (any Evaluation)? = nil, board: Board? = nil
  ) {
    precondition(names.count == pictures.count && comparison.pictures == pictures.count)
    self.compiled = compiled
    self.plan = plan
    self.comparison = comparison
    self.pictures = pictures
    self.names = names
    self.skipped = skipped
    self.evaluation = evaluation
    self.board = board
  }

  /// The page.
  public var html: String {
    let network = compiled.network
    let title = "\(network.family) at \(network.inputSize) in int8"
    let page: Markup = """
      <!DOCTYPE html>
      <html xmlns="http://www.w3.org/1999/xhtml" lang="en">
      <head><meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta http-equiv="Content-Security-Policy" \
      content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"/>
      <title>\(title)</title>
      <style>\(Self.style)</style></head>
      <body><h1>\(title)</h1>
      \(cards)\(warnings)\(evaluated)\(differences)\(arena)\(steps)\(streams)\(facts)</body></html>

      """
    return page.source
  }

  // MARK: Summary

  private var cards: Markup {
    let agreement = compiled.agreement
    var cards: [(String, String, String)] = []
    for figure in evaluation?.summary ?? [] {
      cards.append(
        (
          "\(figure.name), float → int8", "\(percent(figure.float)) → \(percent(figure.int8))",
          "on pictures with known answers"
        ))
    }
    if agreement.hasDecisions {
      cards.append(
        (
          "same answers", percent(agreement.share, 1),
          "float and int8, \(agreement.pictures) calibration pictures"
        ))
    }
    cards.append(
      (
        "signal to noise", fixed(agreement.decibels, 1) + " dB",
        "of the results, calibration pictures"
      ))
    if let board {
      let prediction = Prediction(plan, on: board)
      cards.append(
        (
          board.name, fixed(prediction.total, prediction.total < 1 ? 2 : 1) + " ms",
          "the network alone, threads: \(prediction.threads); predicted, not measured"
        ))
    }
    cards.append(
      (
        "arena", bytes(plan.arenaBytes),
        compiled.arenaIsOptimal
          ? "optimal: none can be smaller"
          : "at least \(bytes(compiled.arenaLowerBound)) are needed"
      ))
    cards.append(("plan", bytes(plan.fileBytes.count), "\(compiled.network.parameters) parameters"))
    cards.append(
      (
        "work", fixed(Double(plan.multiplications) / 1e6, 2) + " MMAC",
        "\(plan.steps.count) steps"
      ))
    return """
      <dl id="cards">\(cards.map { """
        <div><dt>\($0.0)</dt><dd>\($0.1)</dd><dd class="note">\($0.2)</dd></div>

        """ as Markup })</dl>

      """
  }

  private var warnings: Markup {
    let lines = ReportWarnings.list(
      compiled, comparison, pictures: pictures, skipped: skipped, evaluation: evaluation)
    guard !lines.isEmpty else {
      return """
        <p id="warnings-none" class="note">Nothing stands out: enough varied pictures, few values cut off, no layer \
        that loses much more than the others.</p>

        """
    }
    return """
      <ul id="warnings">\(lines.map { "<li>\($0)</li>\n" as Markup })</ul>

      """
  }

  // MARK: Evaluation

  private var evaluated: Markup {
    guard let evaluation else { return "" }
    let table = evaluation.classTable
    var headings = ["class", table.counted]
    for measure in table.measures { headings += ["\(measure), float", "\(measure), int8"] }
    let rows = table.rows.map { row -> [Markup] in
      ["\(row.name)", "\(row.count)"]
        + zip(row.float, row.int8).flatMap { ["\(percent($0))", "\(percent($1))"] as [Markup] }
    }
    let summary = evaluation.summary.map { figure -> [Markup] in
      ["\(figure.name)", "\(percent(figure.float))", "\(percent(figure.int8))"]
    }
    return """
      <h2>On pictures with known answers</h2>
      \(Markup.table("evaluation", ["", "float", "int8"], summary))\
      \(Markup.table("classes", headings, rows))\(confusion)
      """
  }

  /// The matrix of few classes, or what is mistaken most often among many.
  private var confusion: Markup {
    guard let evaluation = evaluation as? ClassEvaluation else { return "" }
    let int8 = evaluation.int8, classes = evaluation.classes
    guard classes.count <= 30 else {
      let rows = int8.mistakes.prefix(30).map { mistake -> [Markup] in
        let float = evaluation.float.count(truth: mistake.truth, answer: mistake.answer)
        return [
          "\(classes[mistake.truth])", "\(classes[mistake.answer])", "\(float)",
          "\(mistake.count)",
        ]
      }
      return """
        <h2>What int8 mistakes most often</h2>
        \(Markup.table("mistakes", ["class", "answer", "float", "int8"], texts: 1, rows))
        """
    }
    let rows = classes.indices.map { truth -> Markup in
      let cells = classes.indices.map { answer -> Markup in
        let count = int8.count(truth: truth, answer: answer)
        let float = evaluation.float.count(truth: truth, answer: answer)
        let kind: Markup = truth == answer ? "number right" : count == 0 ? "number zero" : "number"
        return "<td class=\"\(kind)\" title=\"float: \(float)\">\(count)</td>"
      }
      return "<tr><th>\(classes[truth])</th>\(cells)</tr>\n"
    }
    return """
      <h2>Confusion matrix of int8</h2>
      <p class="note">A row is what the pictures show, a column what int8 calls it.</p>
      <div class="wide"><table id="confusion"><thead><tr><th></th>\
      \(classes.map { "<th class=\"number\">\($0)</th>" as Markup })</tr></thead>
      <tbody>\(rows)</tbody></table></div>

      """
  }

  // MARK: Memory and steps

  private var arena: Markup {
    let peak = plan.steps.indices.max { plan.liveBytes(at: $0) < plan.liveBytes(at: $1) } ?? 0
    return """
      <h2>Memory</h2>
      <p>Steps go across, addresses up; a rectangle is what lies there for as long, and pointing at it names it. Most \
      is alive in step \(peak), \(plan.layerNames[peak]): \(bytes(plan.liveBytes(at: peak))).</p>
      <p class="key note"><span class="picture"></span>picture<span class="int8"></span>int8\
      <span class="int16"></span>int16<span class="result"></span>result\
      <span class="scratch"></span>scratch</p>
      \(ArenaPicture(plan, lowerBound: compiled.arenaLowerBound).markup)
      """
  }

  private var steps: Markup {
    let prediction = board.map { Prediction(plan, on: $0) }
    let headings =
      ["step", "layer", "operation", "range", "output", "MMAC"]
      + (board == nil ? ["of MMAC"] : ["ms", "of time"])
      + ["SQNR, dB", "mean shift", "clipped"]
    let total = Double(plan.multiplications)
    let rows = plan.steps.indices.map { i -> [Markup] in
      let step = plan.steps[i], layer = comparison.layers[i]
      let work = Double(step.operation.work(plan.operands(of: step)).multiplications)
      let time: [Markup] =
        prediction.map {
          [
            "\(fixed($0.steps[i].total, 3))",
            "\(percent($0.steps[i].total / max($0.total, 1e-9), 1))",
          ]
        } ?? ["\(percent(work / max(total, 1), 1))"]
      let figures = layer.figures
      return [
        "\(i)", "\(layer.name)", "\(layer.operation)", "\(range(of: step))",
        "\("\(layer.shape) \(layer.type.name)")", "\(fixed(work / 1e6, 2))",
      ] + time + [
        "\(figures.map { fixed($0.decibels, 1) } ?? "–")", "\(percent(figures?.meanShift))",
        "\(percent(figures?.clipped))",
      ]
    }
    return """
      <h2>Steps</h2>
      <p class="note">SQNR is float² over (int8 − float)² of what a step makes, on the calibration pictures, with all \
      that the steps before it did; mean shift, how far the channels’ means are off; clipped, float values \
      outside the integers’ range.\(timing)</p>
      \(Markup.table("steps", headings, texts: 3, rows))
      """
  }

  private var timing: Markup {
    guard let board else { return "" }
    return " Times are predicted for a \(board.name) by a roofline of its figures, not measured."
  }

  /// How the range of what a step makes was chosen.
  private func range(of step: Step) -> String {
    let type = plan.tensors[step.output].type
    if let choice = compiled.choices[Point(value: step.output, role: .output)], type == .int8 {
      return choice.method.rawValue
    }
    return switch type {
    case .int8: "as its input"
    case .int16: "twice the greatest"
    default: "–"
    }
  }

  private var streams: Markup {
    let choice = compiled.residual
    guard choice.trials.count > 1 else { return "" }
    let rows = choice.trials.enumerated().map { i, trial -> [Markup] in
      let stages = trial.stages.sorted().map { "\($0 + 1)" }.joined(separator: ", ")
      return [
        "\(stages.isEmpty ? "int8" : "int16 in stage " + stages)",
        "\(i == choice.chosen ? "taken: " + choice.reason : "")",
        "\(fixed(trial.agreement.decibels, 1)) dB", "\(bytes(trial.arenaBytes))",
      ]
    }
    return """
      <h2>Width of the residual stream</h2>
      \(Markup.table("streams", ["stream", "", "SQNR", "arena"], texts: 1, rows))
      """
  }

  // MARK: Facts

  private var facts: Markup {
    let entries = plan.shownProvenance.filter { !$0.key.hasPrefix("evaluation.") }
    return """
      <h2>What was compiled</h2>
      <dl class="facts">\(entries.map { "<dt>\($0.key)</dt><dd>\($0.value)</dd>\n" as Markup })\
      <dt>sha256</dt><dd>\(plan.hashText)</dd></dl>

      """
  }
}
