// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
public import LVTCapture
internal import LVTImage
public import LVTModel
public import LVTRuntime

/// How a segmenter and its plan do on pictures whose pixels' classes are known.
///
/// Answers are compared at the size of the label pictures, which need not be that of the pictures.
public struct SegmentationEvaluation: Evaluation {
  /// Pictures that could be read.
  public private(set) var pictures = 0
  /// What could not be read, at most a few.
  public private(set) var errors: [PictureError] = []
  /// The float network's answers and the plan's.
  public private(set) var float, int8: SegmentationScore
  private var agreement = Agreement()
  private let classes: [String]
  private let missing: Int

  /// Runs both on every picture, on all processors.
  ///
  /// - Parameters:
  ///   - reducesZeroLabel: Whether 0 stands for no class and k for class k − 1, as in ADE20K's files.
  ///   - orientation: Whether pictures are made upright first.
  ///   - progress: Called from any thread with the number of pictures done.
  public init(
    network: Network, plan: Plan, set: LabelFolder, reducesZeroLabel: Bool = false,
    orientation: OrientationPolicy = .exif, progress: @escaping @Sendable (Int) -> Void
  ) throws(EngineError) {
    self.init(plan, set, reducesZeroLabel: reducesZeroLabel)
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
      for i in stride(from: worker, to: set.pairs.count, by: count) {
        part.add(set.pairs[i], contestants)
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

  private init(_ plan: Plan, _ set: LabelFolder, reducesZeroLabel: Bool) {
    let count = min(255, plan.classCount)
    float = SegmentationScore(classCount: count, reduceZeroLabel: reducesZeroLabel)
    int8 = float
    classes = (0..<count).map { plan.label(ofClass: $0) }
    missing = set.missing.count
  }

  private mutating func add(_ pair: LabelFolder.Pair, _ contestants: Contestants) {
    do throws(PictureError) {
      let truth: LabelMap
      do throws(ImportError) { truth = try LabelPicture.read(path: pair.labels) } catch {
        throw PictureError(file: pair.labels, reason: "\(error)")
      }
      let (results, mapping) = try contestants.run(path: pair.picture)
      let spec = contestants.engine.plan.input
      func answer(_ values: [Float]) throws(PictureError) -> LabelMap {
        let map = LabelMap(
          width: spec.width, height: spec.height, labels: values.map { UInt8($0) })
        // The picture stands for its labels, whatever their size.
        let resized: PictureMapping
        do throws(ImageError) {
          resized =
            mapping.width == truth.width && mapping.height == truth.height
            ? mapping
            : try PictureMapping(width: truth.width, height: truth.height, spec: spec)
        } catch { throw PictureError(file: pair.labels, reason: error.description) }
        return resized.picture(map)
      }
      let answers = (
        try answer(results.outputs[0]), try answer(contestants.engine.outputs[0].values)
      )
      do throws(SegmentationError) {
        try float.add(answer: answers.0, truth: truth)
        try int8.add(answer: answers.1, truth: truth)
      } catch { throw PictureError(file: pair.labels, reason: "\(error)") }
      agreement.add(results, contestants.engine)
      pictures += 1
    } catch { if errors.count < 10 { errors.append(error) } }
  }

  /// mIoU and the share of right pixels.
  public var summary: [EvaluationFigure] {
    [
      EvaluationFigure(name: "mIoU", float: float.mIoU, int8: int8.mIoU),
      EvaluationFigure(name: "right pixels", float: float.pixelAccuracy, int8: int8.pixelAccuracy),
    ]
  }

  /// Intersection over union of the classes that are in the truth or in an answer.
  public var classTable: ClassTable {
    let (of, to) = (float.intersectionOverUnion, int8.intersectionOverUnion)
    return ClassTable(
      counted: "pixels", measures: ["IoU"],
      rows: classes.indices.filter { of[$0] != nil || to[$0] != nil }.map { i in
        ClassTable.Row(
          name: classes[i],
          count: classes.indices.reduce(0) { $0 + int8.count(truth: i, answer: $1) },
          float: [of[i]], int8: [to[i]])
      })
  }

  /// What a plan keeps of it.
  public var provenance: [(key: String, value: String)] {
    func text(_ value: Double?) -> String {
      value.map { String(format: "%.2f %%", 100 * $0) } ?? "none"
    }
    var entries: [(key: String, value: String)] = [
      (key: "evaluation.pictures", value: "\(pictures)"),
      (key: "evaluation.float.mIoU", value: text(float.mIoU)),
      (key: "evaluation.int8.mIoU", value: text(int8.mIoU)),
      (key: "evaluation.float.pixels", value: text(float.pixelAccuracy)),
      (key: "evaluation.int8.pixels", value: text(int8.pixelAccuracy)),
      (key: "evaluation.agreement", value: String(format: "%.2f %%", 100 * agreement.share)),
      (key: "evaluation.ignored", value: "\(int8.ignored) pixels of no class"),
    ]
    let (of, to) = (float.intersectionOverUnion, int8.intersectionOverUnion)
    for (i, name) in classes.enumerated() where of[i] != nil || to[i] != nil {
      entries.append((key: "evaluation.IoU.\(name)", value: "\(text(of[i])) → \(text(to[i]))"))
    }
    if missing > 0 {
      entries.append((key: "evaluation.truth", value: "\(missing) pictures without labels"))
    }
    return entries
  }
}
