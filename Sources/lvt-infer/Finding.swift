// SPDX-License-Identifier: Apache-2.0
internal import LVT
internal import LVTDraw

extension PlanOutput.Kind {
  /// What a plan is for, in one word.
  var name: String {
    switch self {
    case .classes: "classes"
    case .detections: "objects"
    case .pixelClasses: "pixels"
    case .map, .masks: "features"
    }
  }

  /// A plan for this, in words.
  var text: String {
    switch self {
    case .classes: "a plan that classifies pictures"
    case .detections: "a plan that finds objects"
    case .pixelClasses: "a plan that classifies pixels"
    case .map, .masks: "a plan without classes"
    }
  }
}

/// Runs a plan on pictures, and reads what it says of them.
enum Finder {
  case classifier(Classifier)
  case detector(Detector)
  case segmenter(Segmenter, ResultFilter)

  /// What the plan's task asks for.
  init(_ engine: Engine, _ filter: ResultFilter) throws(ResultError) {
    switch engine.plan.task {
    case .detections: self = .detector(try Detector(engine: engine, filter: filter))
    case .pixelClasses: self = .segmenter(try Segmenter(engine: engine), filter)
    case .classes, .map, .masks:
      do throws(ImageError) { self = .classifier(try Classifier(engine: engine)) } catch {
        throw .image(error)
      }
    }
  }

  var engine: Engine {
    switch self {
    case .classifier(let classifier): classifier.engine
    case .detector(let detector): detector.engine
    case .segmenter(let segmenter, _): segmenter.engine
    }
  }

  func load(_ picture: ImageView) throws(ImageError) {
    switch self {
    case .classifier(let classifier): try classifier.load(picture)
    case .detector(let detector): try detector.load(picture)
    case .segmenter(let segmenter, _): try segmenter.load(picture)
    }
  }

  /// All that the last run found, objects with any score.
  var everything: Finding {
    guard case .detector(let detector) = self else { return finding(withMasks: true) }
    let filter = detector.filter
    detector.filter.leastScore = 0
    defer { detector.filter = filter }
    return finding(withMasks: true)
  }

  /// What the last run found.
  ///
  /// - Parameter withMasks: Whether objects' pixels are looked at: pasting them takes its time.
  func finding(withMasks: Bool) -> Finding {
    let labels = engine.plan.labels
    return switch self {
    case .detector(let detector):
      .objects(detector.detections, withMasks ? detector.masks : .none, labels)
    case .segmenter(let segmenter, let filter): .pixels(segmenter.map, labels, filter)
    case .classifier(let classifier):
      engine.plan.task == .classes
        ? .classes(classifier.classification) : .features(engine.outputs)
    }
  }
}

/// What a run found in a picture.
enum Finding {
  case classes(Classification)
  case features([EngineOutput])
  case objects([Detection], ObjectMasks, [String])
  case pixels(LabelMap, [String], ResultFilter)

  /// A line about a file.
  func line(file: String, milliseconds: Double, _ arguments: Arguments) -> String {
    switch self {
    case .classes(let classification):
      let line = ResultLine(
        file: file, classification: classification, milliseconds: milliseconds)
      return arguments.json
        ? line.json(top: arguments.shownClasses, logits: arguments.logits)
        : line.text(top: arguments.shownClasses)
    case .features(let outputs):
      let line = FeatureLine(file: file, outputs: outputs, milliseconds: milliseconds)
      return arguments.json ? line.json : line.text
    case .objects(let detections, let masks, let labels):
      let line = DetectionLine(
        file: file, detections: detections, masks: masks, labels: labels,
        milliseconds: milliseconds)
      return arguments.json ? line.json : line.text
    case .pixels(let map, let labels, let filter):
      let line = SegmentationLine(
        file: file, map: map, labels: labels, filter: filter, milliseconds: milliseconds)
      return arguments.json ? line.json : line.text
    }
  }

  /// So many objects of a frame are named on a terminal, where one line is written over the last.
  private static let namedObjects = 3

  /// For people, of a frame.
  func text(_ arguments: Arguments) -> String {
    switch self {
    case .classes(let classification): classification.text(top: arguments.shownClasses)
    case .features(let outputs): EngineOutput.text(of: outputs)
    case .objects(let detections, _, let labels):
      Detection.text(of: Array(detections.prefix(Self.namedObjects)), labels: labels)
        + (detections.count > Self.namedObjects
          ? "; \(detections.count - Self.namedObjects) more" : "")
    case .pixels(let map, let labels, let filter): map.text(labels: labels, filter: filter)
    }
  }

  /// The same as members of a JSON object.
  func json(_ arguments: Arguments) -> String {
    switch self {
    case .classes(let classification): classification.json(top: arguments.shownClasses)
    case .features(let outputs): EngineOutput.json(of: outputs)
    case .objects(let detections, let masks, let labels):
      Detection.json(of: detections, masks: masks, labels: labels)
    case .pixels(let map, let labels, let filter): map.json(labels: labels, filter: filter)
    }
  }

  /// Draws what was found over its picture; classes and features cannot be.
  func draw(on image: Image) {
    switch self {
    case .classes, .features: break
    case .objects(let detections, let masks, let labels):
      image.draw(detections, masks: masks.runs, labels: labels)
    case .pixels(let map, let labels, let filter):
      image.overlay(map, labels: labels, filter: filter)
    }
  }
}
