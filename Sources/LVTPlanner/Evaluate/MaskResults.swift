// SPDX-License-Identifier: Apache-2.0
internal import LVT
internal import LVTImage
internal import LVTModel

extension Network {
  /// Whether it finds the pixels of objects, not their boxes alone.
  public var hasMasks: Bool { graph.outputs.contains { $0.kind == PlanOutput.masks } }
}

extension PlanOutput {
  /// Maps of how sure each part of a box is, one for each box of the detections.
  static let masks = Kind(rawValue: 4)
}

/// Pastes the maps of a detector's boxes into a picture.
struct MaskPaster {
  /// Index among the results.
  let output: Int
  /// The maps' sides.
  let side: Int
  let mapping: PictureMapping

  /// Nil for a plan without masks.
  init?(_ plan: Plan, _ mapping: PictureMapping) {
    guard let output = plan.outputs.firstIndex(where: { $0.kind == PlanOutput.masks }) else {
      return nil
    }
    let channels = plan.tensors[plan.outputs[output].tensor].shape.channels
    let side = Int(Double(channels).squareRoot())
    guard side * side == channels, side > 0 else { return nil }
    self.output = output
    self.side = side
    self.mapping = mapping
  }

  /// A mask for each of the first boxes.
  ///
  /// - Parameters:
  ///   - maps: Side × side values for each box, and perhaps more.
  ///   - detections: Boxes in the picture's pixels.
  func masks(_ maps: [Float], of detections: [Detection]) -> [RunLengths] {
    detections.enumerated().map { i, detection in
      RunLengths(
        pasting: maps[i * side * side..<(i + 1) * side * side], side: side, box: detection.box,
        width: mapping.width, height: mapping.height)
    }
  }
}
