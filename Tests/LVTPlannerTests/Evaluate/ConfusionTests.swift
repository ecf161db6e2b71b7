// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LVTPlanner

/// Figures of classes of pictures.
@Suite struct ConfusionTests {
  @Test func figuresOfClassesAreOfRowsAndColumns() {
    var confusion = Confusion(classCount: 3), other = Confusion(classCount: 3)
    for (truth, answer) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
      confusion.add(truth: truth, answer: answer)
    }
    for _ in 0..<2 { other.add(truth: 1, answer: 0) }
    confusion.add(other)
    #expect(confusion.count(truth: 0, answer: 0) == 2 && confusion.count(truth: 1, answer: 0) == 2)
    #expect(confusion.right == 3 && confusion.pictures(ofClass: 1) == 3)
    #expect(confusion.recall(ofClass: 0) == 2.0 / 3 && confusion.precision(ofClass: 0) == 0.5)
    #expect(confusion.recall(ofClass: 2) == nil && confusion.precision(ofClass: 2) == nil)
    #expect(
      confusion.mistakes.map { [$0.truth, $0.answer, $0.count] } == [[1, 0, 2], [0, 1, 1]])
  }

  @Test func fiveClassesAreTheLikeliestAndOfEqualsTheFirst() {
    let logits: [Float] = [1, 5, 4, 3, 2, 1, 0]
    #expect(
      (0..<7).map { isAmongFive($0, logits) } == [true, true, true, true, true, false, false])
    // A single logit stands for two classes.
    #expect(isAmongFive(1, [0.5]) && isAmongFive(4, [5, 4, 3, 2, 1]))
  }
}
