// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
public import LVTModel

/// What a board's figures predict for a plan, as lines.
public struct PredictionTable {
  private let plan: Plan
  private let board: Board

  /// A table for the number of threads that the plan asks for.
  public init(_ plan: Plan, on board: Board) {
    self.plan = plan
    self.board = board
  }

  /// The lines.
  public var text: String {
    let prediction = Prediction(plan, on: board), threads = prediction.threads
    let cluster = board.clusters[0], fit = MemoryFit(plan, on: board, threads: threads)
    var lines = [
      "board     \(terminalText(board.name)), \(terminalText(board.chip)): \(cluster.count) × "
        + "\(terminalText(cluster.core)) at \(cluster.megahertz) MHz, \(terminalText(cluster.isa)), threads: \(threads)",
      "memory    plan \(bytes(fit.planBytes)) + engine \(bytes(fit.engineBytes)) + program "
        + "\(bytes(fit.programBytes)) of \(bytes(fit.availableBytes))",
      "predicted by a roofline of the board's figures, not measured:",
    ]
    for (i, step) in prediction.steps.enumerated() {
      lines.append(
        String(format: "%10d  ", i)
          + plan.steps[i].operation.name.padding(toLength: 22, withPad: " ", startingAt: 0)
          + String(
            format: "%8.3f ms  %@", step.total,
            step.memory > step.compute ? "waits for memory" : "computes"))
    }
    let totals = (1...cluster.count).map {
      String(format: "%.1f ms", Prediction(plan, on: board, threads: $0).total)
    }
    lines.append(
      "          a picture on 1 … \(cluster.count) threads: " + totals.joined(separator: ", "))
    return lines.joined(separator: "\n")
  }
}

/// The known boards, a line for each.
public enum BoardTable {
  /// The lines.
  ///
  /// - Throws: ``BoardError`` for the first file that is not a board's.
  public static func text() throws(BoardError) -> String {
    var lines: [String] = []
    for name in KnownBoards.names {
      let board = try KnownBoards.board(name)
      let cores = board.clusters.map { "\($0.count) × \($0.core) \($0.megahertz) MHz" }
      lines.append(
        name.padding(toLength: 21, withPad: " ", startingAt: 0)
          + "\(cores.joined(separator: " + ")), \(board.memory.megabytes) MB")
    }
    return lines.joined(separator: "\n")
  }
}
