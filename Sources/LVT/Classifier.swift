// SPDX-License-Identifier: Apache-2.0
public import LVTImage
internal import LVTModel
public import LVTRuntime

/// From a picture of any size to labels: an ``LVTRuntime/Engine`` with the resize that its plan asks for.
///
/// ```swift
/// let classifier = try Classifier(engine: Engine(plan: Plan(path: "model.lvt"), threads: 4))
/// let result = try classifier.classify(frame)
/// for r in result.top(3) { print(r.label, r.probability) }
/// ```
///
/// A plan without classes, of features alone, is run the same way; its ``classification`` is empty, and the
/// results are read from the engine:
///
/// ```swift
/// try classifier.load(frame)
/// classifier.engine.run()
/// for output in classifier.engine.outputs { print(output.name, output.shape, output.values) }
/// ```
///
/// A classifier is not for two callers at once. Frames of one size after another allocate nothing but
/// the result.
public final class Classifier {
  /// What runs the plan.
  public var engine: Engine { input.engine }
  private let input: PictureInput

  /// A classifier over an engine, which it then has for itself.
  ///
  /// - Throws: ``LVTImage/ImageError`` if no picture can be resized to the plan's input.
  public init(engine: Engine) throws(ImageError) { input = try PictureInput(engine: engine) }

  /// Resizes a picture into the engine's input, which may overwrite the scores of the last run.
  public func load(_ picture: ImageView) throws(ImageError) { try input.load(picture) }

  /// The scores of a picture; none if the plan has no classes.
  public func classify(_ picture: ImageView) throws(ImageError) -> Classification {
    try load(picture)
    engine.run()
    return classification
  }

  /// The scores of the last run; read them before the next picture is loaded.
  ///
  /// There are none if the plan has no classes.
  public var classification: Classification {
    Classification(logits: Array(engine.logits), labels: engine.plan.labels)
  }
}
