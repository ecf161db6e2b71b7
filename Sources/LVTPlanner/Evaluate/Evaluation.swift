// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVTCapture
internal import LVTImage
internal import LVTModel
internal import LVTRuntime
internal import Synchronization

/// How well a network and its plan do on pictures whose answers are known.
public protocol Evaluation: Sendable {
  /// What a plan keeps of it.
  var provenance: [(key: String, value: String)] { get }
  /// What could not be read, at most a few.
  var errors: [PictureError] { get }
  /// The figures of all pictures, the most telling first.
  var summary: [EvaluationFigure] { get }
  /// The figures of each class.
  var classTable: ClassTable { get }
}

/// Calls `body` once for each processor, at the same time, and returns what it made.
///
/// - Parameters:
///   - progress: Called from any thread with the number of pictures done.
///   - body: Takes the worker's number, the number of all, and what it is to call after each picture.
func onAllProcessors<Part: Sendable>(
  _ progress: @escaping @Sendable (Int) -> Void,
  _ body: @Sendable (_ worker: Int, _ of: Int, _ done: () -> Void) throws(EngineError) -> Part
) throws(EngineError) -> [Part] {
  let workers = max(1, ProcessInfo.processInfo.activeProcessorCount)
  let done = Atomic(0)
  return try concurrentMap(workers) { (worker) throws(EngineError) in
    try body(worker, workers) { progress(done.add(1, ordering: .relaxed).newValue) }
  }
}

/// A network and its plan, each run on one picture.
struct Contestants {
  let executor: FloatExecutor
  let engine: Engine
  let loader: PictureLoader

  /// Both, or why no picture can be loaded for them.
  static func prepare(
    _ network: Network, _ plan: Plan, orientation: OrientationPolicy
  ) throws(EngineError) -> Result<Contestants, PictureError> {
    let engine = try Engine(plan: plan)
    do throws(PictureError) {
      let loader = try PictureLoader(plan.input, orientation: orientation)
      return .success(
        Contestants(executor: FloatExecutor(network), engine: engine, loader: loader))
    } catch { return .failure(error) }
  }

  /// The float results of a picture, after the plan has run on it too, and how its pixels lie in the input.
  func run(path: String) throws(PictureError) -> (float: FloatResults, mapping: PictureMapping) {
    let (picture, mapping) = try loader.loadMapped(path: path)
    let input = executor.normalized(picture), float = executor.results(input)
    guard float.outputs.allSatisfy({ $0.allSatisfy { $0.isFinite } }) else {
      let layer = executor.firstNotFinite(input) ?? ""
      throw PictureError(
        file: path, reason: "layer '\(layer)' makes values that are infinite or NaN")
    }
    engine.run(picture: picture)
    return (float, mapping)
  }
}
