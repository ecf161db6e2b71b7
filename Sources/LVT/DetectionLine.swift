// SPDX-License-Identifier: Apache-2.0

/// The objects of a picture as one line of text, for people or as JSON.
public struct DetectionLine: Sendable {
  /// The picture's path, or another name for it.
  public let file: String
  /// What was found, in the order of the line; boxes are in the picture's pixels.
  public let detections: [Detection]
  /// The objects' pixels, if they are known.
  public let masks: ObjectMasks
  /// Names of the classes; none, or one for each class.
  public let labels: [String]
  /// How long the network ran.
  public let milliseconds: Double

  /// A line about one picture.
  public init(
    file: String, detections: [Detection], masks: ObjectMasks = .none, labels: [String],
    milliseconds: Double
  ) {
    self.file = file
    self.detections = detections
    self.masks = masks
    self.labels = labels
    self.milliseconds = milliseconds
  }

  /// For people: `cells.jpg: WBC 99.8 % at 207,93 206×197; RBC 85.4 % at 16,295 117×105 (network 0.41 ms)`; file
  /// and labels as ``terminalText(_:limit:)``.
  public var text: String {
    "\(terminalText(file)): \(Detection.text(of: detections, labels: labels)) "
      + "(network \(fixed(milliseconds, 2)) ms)"
  }

  /// One JSON object: `{"file":…,"boxes":[…],"milliseconds":…}`.
  public var json: String {
    "{\"file\":\(jsonText(file)),"
      + "\(Detection.json(of: detections, masks: masks, labels: labels)),"
      + "\"milliseconds\":\(fixed(milliseconds, 4))}"
  }
}

extension Detection {
  /// `WBC 99.8 % at 207,93 206×197; RBC 85.4 % at 16,295 117×105`, to whole pixels, or `no objects`.
  public static func text(of detections: [Detection], labels: [String]) -> String {
    guard !detections.isEmpty else { return "no objects" }
    return detections.map { $0.text(labels) }.joined(separator: "; ")
  }

  /// `"boxes":[{"class":0,"label":…,"score":…,"x":…,"y":…,"width":…,"height":…}]`, a member of a JSON
  /// object.
  ///
  /// With masks each box has `"segmentation":{"size":[height,width],"counts":"…"}` besides, which is what
  /// `pycocotools.mask.decode` takes.
  ///
  /// - Parameter masks: The objects' pixels, in the order of the objects, or none.
  public static func json(
    of detections: [Detection], masks: ObjectMasks = .none, labels: [String]
  ) -> String {
    let boxes = detections.enumerated().map { $1.json(labels, masks.json($0)) }
    return "\"boxes\":[\(boxes.joined(separator: ","))]"
  }

  private func text(_ labels: [String]) -> String {
    func pixels(_ length: Float) -> String { fixed(Double(length), 0) }
    return "\(terminalText(className(classIndex, labels))) \(fixed(Double(score) * 100, 1)) % at "
      + "\(pixels(box.x)),\(pixels(box.y)) \(pixels(box.width))×\(pixels(box.height))"
  }

  private func json(_ labels: [String], _ mask: String?) -> String {
    "{\"class\":\(classIndex),\"label\":\(jsonText(className(classIndex, labels))),"
      + "\"score\":\(shortest(score)),\"x\":\(shortest(box.x)),\"y\":\(shortest(box.y)),"
      + "\"width\":\(shortest(box.width)),\"height\":\(shortest(box.height))"
      + (mask.map { ",\"segmentation\":\($0)" } ?? "") + "}"
  }
}
