// SPDX-License-Identifier: Apache-2.0

/// Which results are wanted.
public struct ResultFilter: Equatable, Sendable {
  /// The least score of an object, 0 … 1.
  public var leastScore: Float
  /// Indices of classes; nil for all.
  public var classes: [Int]?

  /// A filter; without arguments one that keeps everything.
  public init(leastScore: Float = 0, classes: [Int]? = nil) {
    self.leastScore = leastScore
    self.classes = classes
  }

  /// Whether results of a class are wanted.
  public func keeps(classIndex: Int) -> Bool { classes?.contains(classIndex) ?? true }

  /// Whether an object is wanted.
  public func keeps(_ detection: Detection) -> Bool {
    detection.score >= leastScore && keeps(classIndex: detection.classIndex)
  }
}
