// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

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

extension Box {
  /// A rectangle by its edges.
  init(left: Float, top: Float, right: Float, bottom: Float) {
    self.init(x: left, y: top, width: right - left, height: bottom - top)
  }

  /// Intersection over union; 0 for boxes without area.
  public func overlap(_ other: Box) -> Float {
    let across = min(x + width, other.x + other.width) - max(x, other.x)
    let down = min(y + height, other.y + other.height) - max(y, other.y)
    let shared = max(0, across) * max(0, down)
    let all = width * height + other.width * other.height - shared
    return all > 0 ? shared / all : 0
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

extension Detection {
  /// The boxes of a detector's result, in pixels of the input, the best first.
  ///
  /// - Parameter values: As ``LVTModel/Detect`` makes them.
  public static func list(_ values: some Collection<Float>) -> [Detection] {
    Array(values).withUnsafeBufferPointer { values in
      var found: [Detection] = []
      while let next = Detection(row: found.count, of: values) { found.append(next) }
      return found
    }
  }

  /// A row of a detector's result; nil behind the last box.
  init?(row: Int, of values: UnsafeBufferPointer<Float>) {
    let at = row * Detect.boxValues
    guard at + Detect.boxValues <= values.count, values[at + 4] > 0,
      let classIndex = Int(exactly: values[at + 5])
    else { return nil }
    self.init(
      classIndex: classIndex, score: values[at + 4],
      box: Box(
        left: values[at], top: values[at + 1], right: values[at + 2], bottom: values[at + 3]))
  }
}
