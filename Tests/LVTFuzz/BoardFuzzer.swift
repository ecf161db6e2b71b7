// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport

@testable import LVTPlanner

extension Fuzzer {
  /// The input is a board's file.
  static let boards = Fuzzer(
    name: "boards", summary: "board files and what is predicted of them", longest: 8192,
    seeds: { KnownBoards.names.indices.map { KnownBoards.bytes($0) } },
    run: { input in
      let board: Board
      do throws(BoardError) { board = try Board(FileBytes(input, name: "input")) } catch {
        _ = error.description
        return
      }
      let plan = try predictedPlan.get()
      let time = Prediction(plan, on: board, threads: board.schedule.threads ?? 1).total
      _ = MemoryFit(plan, on: board, threads: 1).fits
      guard time.isFinite, time > 0 else { throw Finding(description: "a time of \(time) ms") }
    })

  private static let predictedPlan = Result { try plan(tinyPlanBytes()) }
}
