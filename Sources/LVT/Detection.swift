// SPDX-License-Identifier: Apache-2.0

/// A rectangle in a picture's pixels: x to the right and y down from the left upper corner of the picture.
public struct Box: Equatable, Sendable {
  /// The left upper corner.
  public var x, y: Float
  /// Sides, at least 0.
  public var width, height: Float

  /// A rectangle by its left upper corner.
  public init(x: Float, y: Float, width: Float, height: Float) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }
}

/// An object that was found.
public struct Detection: Equatable, Sendable {
  /// Index of its class.
  public var classIndex: Int
  /// 0 … 1.
  public var score: Float
  /// Where it is.
  public var box: Box

  /// An object.
  public init(classIndex: Int, score: Float, box: Box) {
    self.classIndex = classIndex
    self.score = score
    self.box = box
  }
}
