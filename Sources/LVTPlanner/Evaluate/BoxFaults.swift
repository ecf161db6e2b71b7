// SPDX-License-Identifier: Apache-2.0
internal import LVT

/// How many boxes of a data set are not as they should be.
public struct BoxFaults: Equatable, Sendable {
  /// Boxes without an area, or not finite; they were left out.
  public private(set) var empty = 0
  /// Boxes of which nothing is in the picture; they were left out.
  public private(set) var outside = 0
  /// Boxes that reach over the picture's edge by more than a pixel; they were kept as they are.
  public private(set) var overhanging = 0
  /// Masks without pixels; their objects were kept, but no mask fits them.
  public private(set) var emptyMasks = 0

  mutating func addEmptyMask() { emptyMasks += 1 }

  /// Counts a box if something is wrong with it.
  ///
  /// - Parameters:
  ///   - width: That of the box, as `height` is.
  ///   - picture: The picture; where a side is nil nothing is known of that edge.
  /// - Returns: The box, or nil if it is to be left out.
  mutating func check(
    x: Double, y: Double, width: Double, height: Double, in picture: DetectionTruth.Picture
  ) -> Box? {
    let box = Box(x: Float(x), y: Float(y), width: Float(width), height: Float(height))
    guard box.x.isFinite, box.y.isFinite, (box.x + box.width).isFinite,
      (box.y + box.height).isFinite, box.width > 0, box.height > 0
    else {
      empty += 1
      return nil
    }
    let mostX = picture.width.map { Double($0) } ?? .infinity
    let mostY = picture.height.map { Double($0) } ?? .infinity
    guard x < mostX, y < mostY, x + width > 0, y + height > 0 else {
      outside += 1
      return nil
    }
    if x < -1 || y < -1 || x + width > mostX + 1 || y + height > mostY + 1 { overhanging += 1 }
    return box
  }
}
