// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import LVTCapture
public import LVTModel
public import LVTRuntime

/// How often a network and its plan are right on pictures with known classes.
public struct ClassEvaluation: Evaluation {
  /// Pictures that could be read.
  public private(set) var pictures = 0
  /// Those whose class the float network named.
  public private(set) var floatRight = 0
  /// Those whose class the plan named.
  public private(set) var planRight = 0
  /// The plan's logits against the float network's.
  public private(set) var agreement = Agreement()
  /// What could not be read, at most a few.
  public private(set) var errors: [PictureError] = []

  /// Top-1 of the float network, 0 … 1.
  public var floatTop1: Double { Double(floatRight) / Double(max(1, pictures)) }
  /// Top-1 of the plan, 0 … 1.
  public var planTop1: Double { Double(planRight) / Double(max(1, pictures)) }

  /// Runs both on every picture, on all processors.
  ///
  /// - Parameters:
  ///   - orientation: Whether pictures are made upright first.
  ///   - progress: Called from any thread with the number of pictures done.
  public init(
    network: Network, plan: Plan, set: LabeledPictures, orientation: OrientationPolicy = .exif,
    progress: @escaping @Sendable (Int) -> Void
  ) throws(EngineError) {
    let parts = try onAllProcessors(progress) { (worker, count, done) throws(EngineError) in
      try ClassEvaluation(
        network: network, plan: plan, set: set, orientation: orientation, worker: worker,
        of: count, progress: done)
    }
    self.init()
    for part in parts { add(part) }
  }

  private init() {}

  /// What a plan keeps of it.
  public var provenance: [(key: String, value: String)] {
    [
      (key: "evaluation.pictures", value: "\(pictures)"),
      (key: "evaluation.float.top1", value: String(format: "%.2f %%", 100 * floatTop1)),
      (key: "evaluation.int8.top1", value: String(format: "%.2f %%", 100 * planTop1)),
      (key: "evaluation.agreement", value: String(format: "%.2f %%", 100 * agreement.share)),
      (key: "evaluation.sqnr", value: String(format: "%.1f dB", agreement.decibels)),
    ]
  }

  private init(
    network: Network, plan: Plan, set: LabeledPictures, orientation: OrientationPolicy,
    worker: Int, of workers: Int, progress: () -> Void
  ) throws(EngineError) {
    let executor = FloatExecutor(network)
    let engine = try Engine(plan: plan)
    let loader: PictureLoader
    do throws(PictureError) {
      loader = try PictureLoader(plan.input, orientation: orientation)
    } catch {
      errors.append(error)
      return
    }
    for i in stride(from: worker, to: set.classes.count, by: workers) {
      do throws(PictureError) {
        let picture = try set.picture(i, loader)
        let input = executor.normalized(picture)
        let float = executor.logits(input)
        guard float.allSatisfy({ $0.isFinite }) else {
          let layer = executor.firstNotFinite(input) ?? ""
          throw PictureError(
            file: set.name(i), reason: "layer '\(layer)' makes values that are infinite or NaN")
        }
        engine.run(picture: picture)
        pictures += 1
        if decision(float) == set.classes[i] { floatRight += 1 }
        if decision(Array(engine.logits)) == set.classes[i] { planRight += 1 }
        agreement.add(float: float, plan: engine.logits)
      } catch { if errors.count < 10 { errors.append(error) } }
      progress()
    }
  }

  private mutating func add(_ other: ClassEvaluation) {
    pictures += other.pictures
    floatRight += other.floatRight
    planRight += other.planRight
    agreement.add(other.agreement)
    errors += other.errors
  }
}
