// SPDX-License-Identifier: Apache-2.0
package import LVTModel

/// Takes the best boxes of each class, without those that overlap a better one of their class too much.
///
/// Candidates of all classes go by in the order of their scores, so that the first ``LVTModel/Detect/Selection/boxes``
/// that are kept are the best of all classes.
package struct Suppression {
  private let selection: Detect.Selection

  /// A selection's rules.
  package init(_ selection: Detect.Selection) { self.selection = selection }

  /// Writes boxes as ``LVTModel/Detect`` says.
  ///
  /// - Parameters:
  ///   - candidates: The best first.
  ///   - boxes: Edges of each slot.
  ///   - out: Room for the most boxes.
  package func run(
    _ candidates: UnsafeBufferPointer<Candidate>, boxes: UnsafePointer<SIMD4<Float>>,
    to out: UnsafeMutablePointer<Float>
  ) {
    var count = 0
    for candidate in candidates where count < selection.boxes {
      let box = boxes[Int(candidate.slot)], name = Float(candidate.classIndex)
      let isCovered = (0..<count).contains { kept in
        let row = out + kept * Detect.boxValues
        return row[5] == name
          && overlap(box, SIMD4(row[0], row[1], row[2], row[3])) > selection.overlap
      }
      if isCovered { continue }
      let row = out + count * Detect.boxValues
      for i in 0..<4 { row[i] = box[i] }
      row[4] = sigmoid(candidate.logit)
      row[5] = name
      count += 1
    }
    for i in count * Detect.boxValues..<selection.boxes * Detect.boxValues { out[i] = 0 }
  }

  /// Intersection over union; not a number for two boxes without area.
  private func overlap(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> Float {
    let width = max(0, min(a.z, b.z) - max(a.x, b.x))
    let height = max(0, min(a.w, b.w) - max(a.y, b.y))
    let shared = width * height
    let areas = (a.z - a.x) * (a.w - a.y) + (b.z - b.x) * (b.w - b.y)
    return shared / (areas - shared)
  }
}
