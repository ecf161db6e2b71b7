// SPDX-License-Identifier: Apache-2.0

/// How good the detections in a set of pictures are.
public struct DetectionFigures: Equatable, Sendable {
  /// How good those of one class are.
  public struct OfClass: Equatable, Sendable {
    /// Objects that were to be found, at least 1.
    public let objects: Int
    /// Average precision, the mean of those at intersections over union of 0.5, 0.55 … 0.95; 0 … 1.
    public let average: Double
    /// Average precision at an intersection over union of 0.5; 0 … 1.
    public let at50: Double
  }

  /// Each class; nil for one of which there was no object to be found.
  public let classes: [OfClass?]

  /// COCO's AP, the mean over the classes that have objects; nil if there is none.
  public var mAP: Double? { mean(\.average) }

  /// COCO's AP50, the mean over the classes that have objects; nil if there is none.
  public var mAP50: Double? { mean(\.at50) }

  private func mean(_ figure: (OfClass) -> Double) -> Double? {
    let values = classes.compactMap { $0.map(figure) }
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}
