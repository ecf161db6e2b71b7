// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Takes the best boxes of each class, without those that overlap a better one of their class too much.
///
/// Candidates of all classes go by in the order of their scores, so that the first that are kept are the best
/// of all classes.
package struct Suppression {
  private let overlap: Float
  private let boxes: Int

  /// - Parameters:
  ///   - overlap: A box is dropped whose intersection over union with a better one is greater.
  ///   - boxes: The most that are kept.
  package init(overlap: Float, boxes: Int) {
    self.overlap = overlap
    self.boxes = boxes
  }

  /// Writes boxes as ``LVTModel/Detect`` says.
  ///
  /// - Parameters:
  ///   - candidates: The best first.
  ///   - boxes: Edges of each slot.
  ///   - out: Room for the most boxes.
  ///   - score: From a candidate's logit.
  package func run(
    _ candidates: UnsafeBufferPointer<Candidate>, boxes edges: UnsafePointer<SIMD4<Float>>,
    to out: UnsafeMutablePointer<Float>, score: (Float) -> Float
  ) {
    var count = 0
    for candidate in candidates where count < boxes {
      let box = edges[Int(candidate.slot)], name = Float(candidate.classIndex)
      let isCovered = (0..<count).contains { kept in
        let row = out + kept * Detect.boxValues
        return row[5] == name
          && intersectionOverUnion(box, SIMD4(row[0], row[1], row[2], row[3])) > overlap
      }
      if isCovered { continue }
      let row = out + count * Detect.boxValues
      for i in 0..<4 { row[i] = box[i] }
      row[4] = score(candidate.logit)
      row[5] = name
      count += 1
    }
    for i in count * Detect.boxValues..<boxes * Detect.boxValues { out[i] = 0 }
  }
}

/// Of two boxes' edges; not a number for two boxes without area.
package func intersectionOverUnion(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> Float {
  let width = max(0, min(a.z, b.z) - max(a.x, b.x))
  let height = max(0, min(a.w, b.w) - max(a.y, b.y))
  let shared = width * height
  let areas = (a.z - a.x) * (a.w - a.y) + (b.z - b.x) * (b.w - b.y)
  return shared / (areas - shared)
}
