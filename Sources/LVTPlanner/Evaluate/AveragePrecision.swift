// SPDX-License-Identifier: Apache-2.0
public import LVT

/// How good detections are, by COCO's measure: what pycocotools' `COCOeval` says of boxes or masks of any area and
/// at most 100 detections of a class in a picture.
///
/// Pictures are added one at a time, in any order and by several workers: the figures are the same.
public struct AveragePrecision: Sendable {
  private struct Answer {
    let picture: Int
    /// Place among those of its picture and class.
    let rank: Int
    let detection: JudgedDetection
  }

  /// Pictures added.
  public private(set) var pictures = 0
  /// Of each class.
  private var answers: [[Answer]]
  /// Objects of each class that were to be found.
  private var objects: [Int]

  /// No picture yet.
  ///
  /// - Parameter classCount: Classes, at least 0.
  public init(classCount: Int) {
    answers = Array(repeating: [], count: classCount)
    objects = Array(repeating: 0, count: classCount)
  }

  /// Judges the detections in one picture.
  ///
  /// Those of a class outside `0 ..< classCount` are left out.
  ///
  /// - Parameters:
  ///   - picture: The picture's index, another for each: equally sure detections are ordered by it.
  ///   - detections: What was found, in the picture's pixels.
  ///   - truth: What there is.
  public mutating func add(picture: Int, detections: [Detection], truth: [TrueObject]) {
    add(picture: picture, detections: detections, truth: truth) { $1.fit(of: detections[$0].box) }
  }

  /// Judges the detections in one picture by their masks; the objects need masks, too.
  ///
  /// - Parameters:
  ///   - picture: The picture's index, another for each: equally sure detections are ordered by it.
  ///   - detections: What was found.
  ///   - masks: One for each, of the picture's size.
  ///   - truth: What there is.
  public mutating func add(
    picture: Int, detections: [Detection], masks: [RunLengths], truth: [TrueObject]
  ) {
    precondition(detections.count == masks.count)
    add(picture: picture, detections: detections, truth: truth) { $1.fit(of: masks[$0]) }
  }

  /// `fit` tells how well a detection, by its index, fits an object.
  private mutating func add(
    picture: Int, detections: [Detection], truth: [TrueObject],
    fit: (Int, TrueObject) -> Double
  ) {
    pictures += 1
    let found = Dictionary(grouping: detections.indices) { detections[$0].classIndex }
    let present = Dictionary(grouping: truth, by: \.classIndex)
    for index in Set(found.keys).union(present.keys) where answers.indices.contains(index) {
      let truth = present[index] ?? []
      objects[index] += truth.count { $0.kind == .single }
      let indices = found[index] ?? []
      let judged = JudgedDetection.judge(
        scores: indices.map { detections[$0].score }, truth: truth
      ) { fit(indices[$0], $1) }
      answers[index] += judged.enumerated().map {
        Answer(picture: picture, rank: $0.offset, detection: $0.element)
      }
    }
  }

  /// Adds what another worker judged: other pictures, the same classes.
  public mutating func add(_ other: AveragePrecision) {
    precondition(objects.count == other.objects.count)
    pictures += other.pictures
    for i in objects.indices {
      answers[i] += other.answers[i]
      objects[i] += other.objects[i]
    }
  }

  /// The figures of all pictures added so far.
  public var figures: DetectionFigures {
    DetectionFigures(classes: objects.indices.map { figures(of: $0) })
  }

  private func figures(of index: Int) -> DetectionFigures.OfClass? {
    guard objects[index] > 0 else { return nil }
    let ordered = answers[index].sorted { a, b in
      if a.detection.score != b.detection.score { return a.detection.score > b.detection.score }
      return (a.picture, a.rank) < (b.picture, b.rank)
    }
    let averages = JudgedDetection.thresholds.indices.map { t in
      let counted = ordered.lazy.filter { $0.detection.setAside & 1 << t == 0 }
      return averagePrecision(
        isRight: counted.map { $0.detection.matched & 1 << t != 0 }, objects: objects[index])
    }
    return DetectionFigures.OfClass(
      objects: objects[index], average: averages.reduce(0, +) / Double(averages.count),
      at50: averages[0])
  }
}

/// The mean, over the recalls 0, 0.01 … 1, of the greatest precision at that recall or a greater one.
///
/// - Parameters:
///   - isRight: Whether each detection is right, the surest first.
///   - objects: How many there are to be found, at least 1.
private func averagePrecision(isRight: some Sequence<Bool>, objects: Int) -> Double {
  var right = 0.0, wrong = 0.0
  var recalls: [Double] = [], precisions: [Double] = []
  for isRight in isRight {
    if isRight { right += 1 } else { wrong += 1 }
    recalls.append(right / Double(objects))
    precisions.append(right / (wrong + right + .ulpOfOne))
  }
  for i in precisions.indices.dropFirst().reversed() {
    precisions[i - 1] = max(precisions[i - 1], precisions[i])
  }
  var sum = 0.0
  var i = 0
  for step in 0...100 {
    while i < recalls.count, recalls[i] < Double(step) * 0.01 { i += 1 }
    guard i < recalls.count else { break }
    sum += precisions[i]
  }
  return sum / 101
}
