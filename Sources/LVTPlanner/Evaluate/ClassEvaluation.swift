// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
public import LVTCapture
public import LVTModel
public import LVTRuntime

/// How often a network and its plan are right on pictures with known classes.
public struct ClassEvaluation: Evaluation {
  /// Pictures that could be read.
  public private(set) var pictures = 0
  /// What the float network named, and what the plan did.
  public private(set) var float, int8: Confusion
  /// Those whose class was among the five that each found likeliest.
  private var floatTop5 = 0, planTop5 = 0
  /// The plan's logits against the float network's.
  public private(set) var agreement = Agreement()
  /// What could not be read, at most a few.
  public private(set) var errors: [PictureError] = []
  /// Names of the classes.
  let classes: [String]

  /// Top-1 of the float network, 0 … 1.
  public var floatTop1: Double { share(float.right) }
  /// Top-1 of the plan, 0 … 1.
  public var planTop1: Double { share(int8.right) }

  private func share(_ count: Int) -> Double { Double(count) / Double(max(1, pictures)) }

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
    self.init(plan)
    for part in parts { add(part) }
  }

  private init(_ plan: Plan) {
    // A single logit tells class 1 from class 0.
    let count = max(2, plan.classCount)
    float = Confusion(classCount: count)
    int8 = float
    classes =
      plan.classCount == 1
      ? ["no " + plan.label(ofClass: 0), plan.label(ofClass: 0)]
      : (0..<count).map { plan.label(ofClass: $0) }
  }

  /// Top-1, and top-5 where there are more classes.
  public var summary: [EvaluationFigure] {
    let top1 = EvaluationFigure(name: "top-1", float: floatTop1, int8: planTop1)
    let top5 = EvaluationFigure(
      name: "top-5", float: share(floatTop5), int8: share(planTop5))
    return classes.count > 5 ? [top1, top5] : [top1]
  }

  /// Recall and precision of the classes that have pictures.
  public var classTable: ClassTable {
    func figures(_ confusion: Confusion, _ index: Int) -> [Double?] {
      [confusion.recall(ofClass: index), confusion.precision(ofClass: index)]
    }
    return ClassTable(
      counted: "pictures", measures: ["recall", "precision"],
      rows: classes.indices.filter { int8.pictures(ofClass: $0) > 0 }.map {
        ClassTable.Row(
          name: classes[$0], count: int8.pictures(ofClass: $0), float: figures(float, $0),
          int8: figures(int8, $0))
      })
  }

  /// Of more classes than these, a plan keeps no figures.
  private static let mostClassesKept = 100

  /// What a plan keeps of it.
  public var provenance: [(key: String, value: String)] {
    func text(_ share: Double?) -> String {
      share.map { String(format: "%.2f %%", 100 * $0) } ?? "none"
    }
    var entries = [(key: "evaluation.pictures", value: "\(pictures)")]
    for figure in summary {
      let name = figure.name.replacing("-", with: "")
      entries += [
        (key: "evaluation.float.\(name)", value: text(figure.float)),
        (key: "evaluation.int8.\(name)", value: text(figure.int8)),
      ]
    }
    entries += [
      (key: "evaluation.agreement", value: text(agreement.share)),
      (key: "evaluation.sqnr", value: String(format: "%.1f dB", agreement.decibels)),
    ]
    guard classes.count <= Self.mostClassesKept else { return entries }
    return entries
      + classTable.rows.map { row in
        (
          key: "evaluation.recall.\(row.name)",
          value: "\(text(row.float[0])) → \(text(row.int8[0])), \(row.count) pictures"
        )
      }
  }

  private init(
    network: Network, plan: Plan, set: LabeledPictures, orientation: OrientationPolicy,
    worker: Int, of workers: Int, progress: () -> Void
  ) throws(EngineError) {
    self.init(plan)
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
        let truth = set.classes[i]
        guard self.float.classes.contains(truth) else {
          throw PictureError(
            file: set.name(i),
            reason: "expected a class below \(self.float.classCount), found \(truth)")
        }
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
        let int8 = Array(engine.logits)
        self.float.add(truth: truth, answer: decision(float))
        self.int8.add(truth: truth, answer: decision(int8))
        floatTop5 += isAmongFive(truth, float) ? 1 : 0
        planTop5 += isAmongFive(truth, int8) ? 1 : 0
        agreement.add(float: float, plan: engine.logits)
      } catch { if errors.count < 10 { errors.append(error) } }
      progress()
    }
  }

  private mutating func add(_ other: ClassEvaluation) {
    pictures += other.pictures
    float.add(other.float)
    int8.add(other.int8)
    floatTop5 += other.floatTop5
    planTop5 += other.planTop5
    agreement.add(other.agreement)
    errors += other.errors
  }
}

/// Whether fewer than five classes are likelier than one, of equals those with lower indices.
///
/// - Parameter logits: A single one stands for two classes.
func isAmongFive(_ index: Int, _ logits: [Float]) -> Bool {
  logits.count <= 5 || Classification(logits: logits, labels: []).rank(of: index) < 5
}
