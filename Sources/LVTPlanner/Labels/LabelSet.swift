// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// Names of classes that many published checkpoints have.
public enum LabelSet: String, CaseIterable, Sendable {
  case imageNet = "imagenet-1k"
  case coco
  case ade20k
  case cityscapes

  /// The names, class 0 first.
  public var names: [String] {
    let text =
      switch self {
      case .imageNet: Self.imageNetNames
      case .coco: Self.cocoNames
      case .ade20k: Self.ade20kNames
      case .cityscapes: Self.cityscapesNames
      }
    return text.split(separator: "\n").map(String.init)
  }

  /// What an argument names: a file, or a set if there is nothing of that name.
  ///
  /// - Returns: The names, and a line if they are a file's although a set is called so, too.
  /// - Throws: ``ImportError``, as ``LabelFile/read(path:)``.
  public static func labels(
    _ argument: String
  ) throws(ImportError) -> (labels: [String], note: String?) {
    let isThere = lvt_file_kind_of(argument) != LVT_FILE_MISSING
    if let set = LabelSet(rawValue: argument) {
      guard isThere else { return (set.names, nil) }
      // The file was meant before there were sets.
      return (
        try LabelFile.read(path: argument),
        "the labels are those of the file '\(argument)', not of the set of that name"
      )
    }
    guard isThere || argument.contains("/") else {
      let sets = allCases.map { $0.rawValue }.joined(separator: ", ")
      throw .missing(file: argument, expected: "a file of labels, or \(sets)", found: "neither")
    }
    return (try LabelFile.read(path: argument), nil)
  }
}
