// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
public import LVTCapture
internal import LVTImage
public import LVTModel
public import LVTRuntime

/// The average precision of a detector and its plan on pictures whose objects are known, of boxes and, if the
/// network has them, of masks.
public struct DetectionEvaluation: Evaluation {
  /// Pictures that could be read.
  public private(set) var pictures = 0
  /// What could not be read, at most a few.
  public private(set) var errors: [PictureError] = []
  private var float, int8: AveragePrecision
  /// Of masks; nil if the network has none, or the data set.
  private var floatMasks, int8Masks: AveragePrecision?
  private var agreement = Agreement()
  private let faults: BoxFaults
  private let classes: [String]

  /// The figures of the float network and of the plan.
  public var figures: (float: DetectionFigures, int8: DetectionFigures) {
    (float: float.figures, int8: int8.figures)
  }

  /// The same of masks; nil without.
  public var maskFigures: (float: DetectionFigures, int8: DetectionFigures)? {
    guard let floatMasks, let int8Masks else { return nil }
    return (float: floatMasks.figures, int8: int8Masks.figures)
  }

  /// Runs both on every picture, on all processors.
  ///
  /// - Parameters:
  ///   - truth: Boxes in pixels of the pictures, and masks of all objects or of none.
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
      if let masks = part.floatMasks { floatMasks?.add(masks) }
      if let masks = part.int8Masks { int8Masks?.add(masks) }
      agreement.add(part.agreement)
    }
  }

  private init(_ truth: DetectionTruth, _ plan: Plan) {
    float = AveragePrecision(classCount: plan.classCount)
    int8 = float
    let objects = truth.pictures.lazy.flatMap(\.objects)
    if plan.outputs.contains(where: { $0.kind == .masks }),
      objects.allSatisfy({ $0.mask != nil })
    {
      (floatMasks, int8Masks) = (float, float)
    }
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
      let found = inPicture(results.outputs[0])
      let int8Found = inPicture(contestants.engine.outputs[0].values)
      if floatMasks != nil {
        guard picture.width == mapping.width, picture.height == mapping.height else {
          throw PictureError(
            file: picture.path,
            reason: "\(mapping.width)x\(mapping.height) pixels, but its masks have "
              + "\(picture.width ?? 0)x\(picture.height ?? 0)")
        }
        floatMasks?.add(
          picture: index, detections: found,
          masks: mapping.masks(results.outputs[0], results.outputs[1]).runs,
          truth: picture.objects)
        int8Masks?.add(
          picture: index, detections: int8Found,
          masks: mapping.masks(
            contestants.engine.outputs[0].values, contestants.engine.outputs[1].values
          ).runs, truth: picture.objects)
      }
      float.add(picture: index, detections: found, truth: picture.objects)
      int8.add(picture: index, detections: int8Found, truth: picture.objects)
      agreement.add(results, contestants.engine)
      pictures += 1
    } catch { if errors.count < 10 { errors.append(error) } }
  }

  /// What is judged, boxes first: how it is named in front of a figure, and its figures.
  private var judged: [(prefix: String, float: DetectionFigures, int8: DetectionFigures)] {
    let boxes = figures
    let masks = maskFigures.map { [(prefix: "mask ", float: $0.float, int8: $0.int8)] } ?? []
    return [(prefix: "", float: boxes.float, int8: boxes.int8)] + masks
  }

  /// COCO's AP and AP50, of boxes and then of masks.
  public var summary: [EvaluationFigure] {
    judged.flatMap { prefix, float, int8 in
      [
        EvaluationFigure(name: "\(prefix)mAP", float: float.mAP, int8: int8.mAP),
        EvaluationFigure(name: "\(prefix)AP50", float: float.mAP50, int8: int8.mAP50),
      ]
    }
  }

  /// AP and AP50 of the classes that have objects, of boxes and then of masks.
  public var classTable: ClassTable {
    let judged = judged
    return ClassTable(
      counted: "objects", measures: judged.flatMap { ["\($0.prefix)AP", "\($0.prefix)AP50"] },
      rows: classes.indices.compactMap { i in
        guard let objects = judged[0].float.classes[i]?.objects else { return nil }
        func values(_ figures: DetectionFigures) -> [Double?] {
          [figures.classes[i]?.average, figures.classes[i]?.at50]
        }
        return ClassTable.Row(
          name: classes[i], count: objects, float: judged.flatMap { values($0.float) },
          int8: judged.flatMap { values($0.int8) })
      })
  }

  /// What a plan keeps of it.
  public var provenance: [(key: String, value: String)] {
    let judged = judged
    func text(_ value: Double?) -> String {
      value.map { String(format: "%.2f %%", 100 * $0) } ?? "none"
    }
    var entries: [(key: String, value: String)] = [
      (key: "evaluation.pictures", value: "\(pictures)")
    ]
    for (prefix, float, int8) in judged {
      let kind = prefix.isEmpty ? "" : "mask."
      entries += [
        (key: "evaluation.float.\(kind)mAP", value: text(float.mAP)),
        (key: "evaluation.int8.\(kind)mAP", value: text(int8.mAP)),
        (key: "evaluation.float.\(kind)AP50", value: text(float.mAP50)),
        (key: "evaluation.int8.\(kind)AP50", value: text(int8.mAP50)),
      ]
    }
    entries.append(
      (key: "evaluation.agreement", value: String(format: "%.2f %%", 100 * agreement.share)))
    for (prefix, float, int8) in judged {
      for (i, name) in classes.enumerated() {
        guard let float = float.classes[i], let int8 = int8.classes[i] else { continue }
        entries.append(
          (
            key: "evaluation.\(prefix.isEmpty ? "" : "mask.")AP.\(name)",
            value: "\(text(float.average)) → \(text(int8.average)), AP50 \(text(float.at50)) → "
              + "\(text(int8.at50)), \(float.objects) objects"
          ))
      }
    }
    if faults != BoxFaults() {
      entries.append(
        (
          key: "evaluation.truth",
          value:
            "left out \(faults.empty) empty boxes and \(faults.outside) outside their pictures; "
            + "\(faults.overhanging) reach over the edge"
            + (faults.emptyMasks > 0 ? "; \(faults.emptyMasks) masks have no pixels" : "")
        ))
    }
    return entries
  }
}
