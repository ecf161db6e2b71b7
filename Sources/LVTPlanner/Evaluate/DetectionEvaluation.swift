// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
public import LVTCapture
internal import LVTImage
public import LVTModel
public import LVTRuntime

/// The average precision of a detector and its plan on pictures whose objects are known.
public struct DetectionEvaluation: Evaluation {
  /// Pictures that could be read.
  public private(set) var pictures = 0
  /// What could not be read, at most a few.
  public private(set) var errors: [PictureError] = []
  private var float, int8: AveragePrecision
  private var agreement = Agreement()
  private let faults: BoxFaults
  private let classes: [String]

  /// The figures of the float network and of the plan.
  public var figures: (float: DetectionFigures, int8: DetectionFigures) {
    (float: float.figures, int8: int8.figures)
  }

  /// Runs both on every picture, on all processors.
  ///
  /// - Parameters:
  ///   - truth: Boxes in pixels of the pictures.
  ///   - orientation: Whether pictures are made upright first.
  ///   - progress: Called from any thread with the number of pictures done.
  public init(
    network: Network, plan: Plan, truth: DetectionTruth, orientation: OrientationPolicy = .exif,
    progress: @escaping @Sendable (Int) -> Void
  ) throws(EngineError) {
    self.init(truth, plan)
    let empty = self
    let parts = try onAllProcessors(progress) { (worker, count, done) throws(EngineError) in
      var part = empty
      let contestants: Contestants
      switch try Contestants.prepare(network, plan, orientation: orientation) {
      case .success(let both): contestants = both
      case .failure(let error):
        part.errors.append(error)
        return part
      }
      for i in stride(from: worker, to: truth.pictures.count, by: count) {
        part.add(i, truth.pictures[i], contestants)
        done()
      }
      return part
    }
    for part in parts {
      pictures += part.pictures
      errors += part.errors
      float.add(part.float)
      int8.add(part.int8)
      agreement.add(part.agreement)
    }
  }

  private init(_ truth: DetectionTruth, _ plan: Plan) {
    float = AveragePrecision(classCount: plan.classCount)
    int8 = AveragePrecision(classCount: plan.classCount)
    faults = truth.faults
    classes = (0..<plan.classCount).map { plan.label(ofClass: $0) }
  }

  private mutating func add(
    _ index: Int, _ picture: DetectionTruth.Picture, _ contestants: Contestants
  ) {
    do throws(PictureError) {
      let (results, mapping) = try contestants.run(path: picture.path)
      func inPicture(_ values: [Float]) -> [Detection] {
        Detection.list(values).map {
          Detection(classIndex: $0.classIndex, score: $0.score, box: mapping.picture($0.box))
        }
      }
      float.add(
        picture: index, detections: inPicture(results.outputs[0]), truth: picture.objects)
      int8.add(
        picture: index, detections: inPicture(contestants.engine.outputs[0].values),
        truth: picture.objects)
      agreement.add(results, contestants.engine)
      pictures += 1
    } catch { if errors.count < 10 { errors.append(error) } }
  }

  /// COCO's AP and AP50.
  public var summary: [EvaluationFigure] {
    let (float, int8) = figures
    return [
      EvaluationFigure(name: "mAP", float: float.mAP, int8: int8.mAP),
      EvaluationFigure(name: "AP50", float: float.mAP50, int8: int8.mAP50),
    ]
  }

  /// AP and AP50 of the classes that have objects.
  public var classTable: ClassTable {
    let (float, int8) = figures
    return ClassTable(
      counted: "objects", measures: ["AP", "AP50"],
      rows: classes.indices.compactMap { i in
        guard let float = float.classes[i], let int8 = int8.classes[i] else { return nil }
        return ClassTable.Row(
          name: classes[i], count: float.objects, float: [float.average, float.at50],
          int8: [int8.average, int8.at50])
      })
  }

  /// What a plan keeps of it.
  public var provenance: [(key: String, value: String)] {
    let (float, int8) = figures
    func text(_ value: Double?) -> String {
      value.map { String(format: "%.2f %%", 100 * $0) } ?? "none"
    }
    var entries: [(key: String, value: String)] = [
      (key: "evaluation.pictures", value: "\(pictures)"),
      (key: "evaluation.float.mAP", value: text(float.mAP)),
      (key: "evaluation.int8.mAP", value: text(int8.mAP)),
      (key: "evaluation.float.AP50", value: text(float.mAP50)),
      (key: "evaluation.int8.AP50", value: text(int8.mAP50)),
      (key: "evaluation.agreement", value: String(format: "%.2f %%", 100 * agreement.share)),
    ]
    for (i, name) in classes.enumerated() {
      guard let float = float.classes[i], let int8 = int8.classes[i] else { continue }
      entries.append(
        (
          key: "evaluation.AP.\(name)",
          value: "\(text(float.average)) → \(text(int8.average)), AP50 \(text(float.at50)) → "
            + "\(text(int8.at50)), \(float.objects) objects"
        ))
    }
    if faults != BoxFaults() {
      entries.append(
        (
          key: "evaluation.truth",
          value:
            "left out \(faults.empty) empty boxes and \(faults.outside) outside their pictures; "
            + "\(faults.overhanging) reach over the edge"
        ))
    }
    return entries
  }
}
