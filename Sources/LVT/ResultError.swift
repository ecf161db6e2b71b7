// SPDX-License-Identifier: Apache-2.0
public import LVTImage
public import LVTModel

/// Why a plan is of no use to a ``Detector`` or a ``Segmenter``.
public enum ResultError: Error, Equatable, Sendable {
  /// The plan has no result of the kind.
  case missing(PlanOutput.Kind)
  /// No picture can be resized to the plan's input.
  case image(ImageError)
}

extension ResultError: CustomStringConvertible {
  /// One line: what was expected and what was found.
  public var description: String {
    switch self {
    case .missing(.classes): "a plan without classes, expected scores of classes"
    case .missing(.map): "a plan without features, expected some"
    case .missing(.pixelClasses): "a plan without a label map, expected a segmentation network's"
    case .missing(.detections): "a plan without boxes, expected a detector's"
    case .missing(.masks): "a plan without masks of objects, expected an R-CNN's"
    case .image(let error): error.description
    }
  }
}
