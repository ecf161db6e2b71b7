// SPDX-License-Identifier: Apache-2.0
/// A detection, judged at each of COCO's ten thresholds of intersection over union.
struct JudgedDetection {
  /// 0 … 1.
  let score: Float
  /// Bit t is set if the detection fits an object at threshold t.
  var matched: UInt16 = 0
  /// Bit t is set if it is neither right nor wrong at threshold t.
  var setAside: UInt16 = 0

  /// How well a box must fit: 0.5, 0.55 … 0.95, by the arithmetic of numpy's `linspace`.
  static let thresholds = (0..<9).map { Double($0) * ((0.95 - 0.5) / 9) + 0.5 } + [0.95]

  /// So many detections of a class in a picture count, the surest.
  static let mostInPicture = 100

  /// Judges the detections of one class in one picture.
  ///
  /// The surest detection chooses first, each the object that it fits best, of equals the last. Objects
  /// to be found are looked at before crowds and difficult ones, which are for detections that fit no
  /// other, any number of them.
  ///
  /// - Parameters:
  ///   - scores: Those of the detections.
  ///   - fit: How well a detection fits an object, 0 … 1, by its index among the scores.
  /// - Returns: The detections that count, the surest first; equally sure ones in the order given.
  static func judge(
    scores: [Float], truth: [TrueObject], fit: (Int, TrueObject) -> Double
  ) -> [JudgedDetection] {
    let ordered = scores.enumerated().sorted {
      let a = orderingScore($0.element), b = orderingScore($1.element)
      return a == b ? $0.offset < $1.offset : a > b
    }
    let singles = truth.filter { $0.kind == .single }, others = truth.filter { $0.kind != .single }
    var isTaken = [UInt16](repeating: 0, count: singles.count)
    return ordered.prefix(mostInPicture).map { index, score in
      var judged = JudgedDetection(score: orderingScore(score))
      let singleFits = singles.map { fit(index, $0) }
      let otherFit = others.map { fit(index, $0) }.max() ?? 0
      for (t, threshold) in thresholds.enumerated() {
        let bit: UInt16 = 1 << t
        var best: Int?
        var bestFit = threshold
        for (i, fit) in singleFits.enumerated() where fit >= bestFit && isTaken[i] & bit == 0 {
          best = i
          bestFit = fit
        }
        if let best {
          isTaken[best] |= bit
          judged.matched |= bit
        } else if otherFit >= threshold {
          judged.setAside |= bit
        }
      }
      return judged
    }
  }

  /// A score that can be ordered: NaN comes last, as numpy sorts it.
  private static func orderingScore(_ score: Float) -> Float {
    score.isNaN ? -.infinity : score
  }
}
