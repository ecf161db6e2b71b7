// SPDX-License-Identifier: Apache-2.0
import LVT
import Testing

@testable import LVTPlanner

@Suite struct SegmentationScoreTests {
  @Test func figuresAreThoseOfAHandCountedMap() throws {
    var score = SegmentationScore(classCount: 4)
    try score.add(answer: map([0, 0, 1, 2, 0]), truth: map([0, 1, 1, 255, 4]))
    #expect(score.pixels == 3)
    #expect(score.ignored == 2)
    #expect(score.count(truth: 1, answer: 0) == 1)
    // Class 2 was only answered where the truth is no class, so it is in neither.
    #expect(score.intersectionOverUnion == [0.5, 0.5, nil, nil])
    #expect(score.mIoU == 0.5)
    #expect(score.pixelAccuracy == 2.0 / 3)
  }

  @Test func answeredClassThatIsNowhereCountsAsZero() throws {
    var score = SegmentationScore(classCount: 3)
    try score.add(answer: map([0, 2]), truth: map([0, 0]))
    #expect(score.intersectionOverUnion == [0.5, nil, 0])
    #expect(score.mIoU == 0.25)
  }

  @Test func reducedZeroLabelIsNoClass() throws {
    var score = SegmentationScore(classCount: 2, reduceZeroLabel: true)
    try score.add(answer: map([0, 0, 1, 1, 0]), truth: map([0, 1, 2, 3, 255]))
    #expect(score.pixels == 2)
    #expect(score.ignored == 3)
    #expect(score.mIoU == 1)
  }

  @Test func highestValueIsNeverAClass() throws {
    for reduceZeroLabel in [false, true] {
      var score = SegmentationScore(classCount: 255, reduceZeroLabel: reduceZeroLabel)
      try score.add(answer: map([254]), truth: map([255]))
      #expect(score.ignored == 1)
    }
  }

  @Test func nothingJudgedIsNoFigure() {
    let score = SegmentationScore(classCount: 2)
    #expect(score.mIoU == nil)
    #expect(score.pixelAccuracy == nil)
  }

  @Test func otherSizesAreRefused() {
    #expect(
      fault(LabelMap(width: 2, height: 1, labels: [0, 0]), map([0, 0, 0]))
        == "expected a label map of the true labels' 3 × 1 pixels, found one of 2 × 1")
  }

  @Test func answersThatAreNoClassAreRefused() {
    #expect(fault(map([0, 2]), map([0, 0])) == "expected indices of 2 classes, found 2")
  }

  private func fault(_ answer: LabelMap, _ truth: LabelMap) -> String? {
    var score = SegmentationScore(classCount: 2)
    do throws(SegmentationError) { try score.add(answer: answer, truth: truth) } catch {
      #expect(score == SegmentationScore(classCount: 2))
      return error.description
    }
    return nil
  }

  private func map(_ labels: [UInt8]) -> LabelMap {
    LabelMap(width: labels.count, height: 1, labels: labels)
  }
}
