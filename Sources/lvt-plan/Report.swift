// SPDX-License-Identifier: Apache-2.0
internal import LVTModel
internal import LVTPlanner

extension Compile {
  /// Compares the plan with its network on the calibration pictures and writes the page about both.
  ///
  /// - Parameters:
  ///   - photos: The calibration pictures.
  ///   - names: Their files.
  func writeReport(
    to path: String, _ compiled: CompiledPlan, _ plan: Plan, photos: [[UInt8]], names: [String],
    skipped: Int, evaluation: (any Evaluation)?, board: Board?, _ bar: ProgressBar
  ) throws {
    let comparison = try LayerComparison(
      network: compiled.network, plan: plan, pictures: photos
    ) { bar.show("comparing", $0, photos.count) }
    bar.finish()
    let report = PlanReport(
      compiled, plan: plan, comparison: comparison, pictures: photos, names: names,
      skipped: skipped, evaluation: evaluation, board: board)
    try Terminal.write(Array(report.html.utf8), to: path)
  }
}
