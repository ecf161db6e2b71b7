// SPDX-License-Identifier: Apache-2.0
public import LVT

/// An object that is in a picture, as people marked it.
public struct TrueObject: Equatable, Sendable {
  /// What is asked of a detector.
  public enum Kind: Sendable {
    /// The object is to be found, once: a second detection of it is wrong.
    case single
    /// The box covers many objects, as COCO's `iscrowd` says: detections in it are neither right nor
    /// wrong, and that there are none is no fault.
    case crowd
    /// The object is hard to see, as Pascal VOC's `difficult` says: detections of it are neither right
    /// nor wrong, and that there are none is no fault.
    case difficult
  }

  /// Index of its class.
  public var classIndex: Int
  /// Where it is, in the picture's pixels.
  public var box: Box
  /// Which of the picture's pixels it has; nil if the data set does not say.
  public var mask: RunLengths?
  /// What is asked of a detector.
  public var kind: Kind

  /// An object.
  public init(classIndex: Int, box: Box, mask: RunLengths? = nil, kind: Kind = .single) {
    self.classIndex = classIndex
    self.box = box
    self.mask = mask
    self.kind = kind
  }

  /// How well a detection's box fits, 0 … 1: intersection over union, or over the detection's area if
  /// the object is a crowd.
  func fit(of detection: Box) -> Double {
    let a = Edges(detection), b = Edges(box)
    let width = min(a.right, b.right) - max(a.left, b.left)
    let height = min(a.bottom, b.bottom) - max(a.top, b.top)
    guard width > 0, height > 0 else { return 0 }
    let intersection = width * height
    return intersection / (kind == .crowd ? a.area : a.area + b.area - intersection)
  }

  /// How well a detection's mask fits, by numbers of pixels, as the box does.
  func fit(of detection: RunLengths) -> Double {
    guard let mask else { return 0 }
    let intersection = mask.intersectionArea(detection)
    let all = kind == .crowd ? detection.area : detection.area + mask.area - intersection
    return all > 0 ? Double(intersection) / Double(all) : 0
  }
}

private struct Edges {
  let left, top, right, bottom, area: Double

  init(_ box: Box) {
    let width = Double(box.width), height = Double(box.height)
    left = Double(box.x)
    top = Double(box.y)
    right = width + left
    bottom = height + top
    area = width * height
  }
}
