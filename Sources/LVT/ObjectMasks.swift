// SPDX-License-Identifier: Apache-2.0
package import LVTImage
internal import LVTModel

/// Which of a picture's pixels belong to each of the objects in it.
public struct ObjectMasks: Equatable, Sendable {
  /// The picture's columns and rows.
  public let width, height: Int
  /// The pixels of each object; none where they are not known.
  public let runs: [RunLengths]

  /// Masks of a picture.
  ///
  /// - Parameter runs: Each of all of the picture's pixels.
  public init(width: Int, height: Int, runs: [RunLengths]) {
    self.width = width
    self.height = height
    self.runs = runs
  }

  /// Nothing known of any object.
  public static let none = ObjectMasks(width: 0, height: 0, runs: [])

  /// `{"size":[height,width],"counts":"…"}` of an object, which is what `pycocotools.mask.decode` takes; nil
  /// where it is not known.
  func json(_ object: Int) -> String? {
    guard runs.indices.contains(object) else { return nil }
    return "{\"size\":[\(height),\(width)],\"counts\":\(jsonText(runs[object].packed))}"
  }
}

extension PictureMapping {
  /// The pixels of an object.
  ///
  /// - Parameters:
  ///   - probabilities: A square of how sure each part of the box is, row after row.
  ///   - box: The object's box in the input's pixels.
  func mask(_ probabilities: some Collection<Float>, box: Box) -> RunLengths {
    // What of the box is beside the picture is not cut off, or the square would be stretched over the rest.
    let first = place(x: box.x, y: box.y)
    let last = place(x: box.x + box.width, y: box.y + box.height)
    return RunLengths(
      pasting: probabilities, side: Int(Double(probabilities.count).squareRoot()),
      box: Box(left: first.x, top: first.y, right: last.x, bottom: last.y), width: width,
      height: height)
  }

  /// The pixels of all objects of a result, or of those of some rows.
  ///
  /// - Parameters:
  ///   - boxes: As ``LVTModel/Detect`` makes them.
  ///   - probabilities: As ``LVTModel/Masks`` makes them.
  package func masks(
    _ boxes: [Float], _ probabilities: [Float], rows: [Int]? = nil
  ) -> ObjectMasks {
    let all = Detection.list(boxes)
    let count = probabilities.count / max(1, boxes.count / Detect.boxValues)
    return ObjectMasks(
      width: width, height: height,
      runs: (rows ?? Array(all.indices)).map {
        mask(probabilities[$0 * count..<($0 + 1) * count], box: all[$0].box)
      })
  }
}
