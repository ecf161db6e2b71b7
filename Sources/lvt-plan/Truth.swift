// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import Foundation
internal import LVTCapture
internal import LVTModel
internal import LVTPlanner

/// Pictures with known answers of one kind.
enum Truth {
  case classes(LabeledPictures)
  case boxes(DetectionTruth)
  case masks(LabelFolder, reducesZeroLabel: Bool)

  /// Runs a network and its plan on all of them.
  ///
  /// - Parameter progress: Called from any thread with the number of pictures done, and of all.
  func evaluate(
    _ network: Network, _ plan: Plan, _ orientation: OrientationPolicy,
    progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> any Evaluation {
    switch self {
    case .classes(let set):
      try ClassEvaluation(network: network, plan: plan, set: set, orientation: orientation) {
        progress($0, set.classes.count)
      }
    case .boxes(let truth):
      try DetectionEvaluation(
        network: network, plan: plan, truth: truth, orientation: orientation
      ) { progress($0, truth.pictures.count) }
    case .masks(let set, let reduces):
      try SegmentationEvaluation(
        network: network, plan: plan, set: set, reducesZeroLabel: reduces,
        orientation: orientation
      ) { progress($0, set.pairs.count) }
    }
  }
}

extension Compile {
  /// Reads what `--evaluate` names, as the network's results need it.
  func truth(of network: Network, _ labels: [String], at path: String) throws -> Truth {
    for (name, isGiven, kinds) in [
      ("--evaluate-pictures", evaluatePictures != nil, [.detections, .pixelClasses]),
      ("--reduce-zero-label", reduceZeroLabel, [PlanOutput.Kind.pixelClasses]),
    ] where isGiven && !kinds.contains(network.kind) {
      throw Failure("\(name) is of no use for a \(network.family) of this kind")
    }
    switch network.kind {
    case .classes, .map, .masks:
      let set = try LabeledPictures(path: path, labels: labels)
      Terminal.report(passedOver: set.passedOver, in: path)
      return .classes(set)
    case .detections:
      let truth =
        path.lowercased().hasSuffix(".json")
        ? try COCOFile.read(
          path: path, labels: labels.isEmpty ? nil : labels, folder: evaluatePictures,
          masks: network.hasMasks)
        : try VOCFolder.read(
          path: path, labels: try requireLabels(labels), folder: evaluatePictures)
      guard truth.classes.count <= network.classCount else {
        throw Failure(
          "\(path): expected at most \(network.classCount) classes, found \(truth.classes.count)")
      }
      return .boxes(truth)
    case .pixelClasses:
      // tools/train puts pictures and labels side by side.
      let inner = path + "/labels", isPair = FileManager.default.fileExists(atPath: inner)
      let pictures = evaluatePictures ?? (isPair ? path + "/pictures" : path)
      let labelFolder = isPair ? inner : path
      // Where the labels are, every PNG is of labels.
      let isShared = lvt_is_same_folder(pictures, labelFolder)
      let found: PictureFiles
      do throws(CaptureError) {
        found = try PictureFiles(at: pictures, kinds: isShared ? .jpegAndPNM : .withPNG)
      } catch { throw Failure("\(pictures): \(error)") }
      if !isShared { Terminal.report(passedOver: found.passedOver, in: pictures) }
      return .masks(
        try LabelFolder(path: labelFolder, pictures: found.paths),
        reducesZeroLabel: reduceZeroLabel)
    }
  }

  private func requireLabels(_ labels: [String]) throws -> [String] {
    guard !labels.isEmpty else {
      throw Failure("--evaluate with VOC's files: expected --labels, which number their names")
    }
    return labels
  }
}
