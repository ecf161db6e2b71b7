// SPDX-License-Identifier: Apache-2.0
import LVT
import Testing

@testable import LVTPlanner

@Suite struct AveragePrecisionTests {
  @Test func everyObjectFoundFirstIsPerfect() throws {
    let figures = figures([found(0.9, 0), found(0.8, 100), found(0.1, 200)], [at(0), at(100)])
    #expect(try #require(figures.mAP) > 0.999999999)
    #expect(figures.classes.map { $0?.objects } == [2, nil])
  }

  @Test func nothingToFindIsNoFigure() {
    #expect(figures([found(0.9, 0)], []).mAP == nil)
    #expect(figures([found(0.9, 0)], [at(0, .crowd), at(50, .difficult)]).mAP == nil)
    #expect(figures([], [at(0)]).mAP == 0)
  }

  @Test func halfOfTheObjectsIsHalfOfTheRecalls() throws {
    // 0, 0.01 … 0.5 of 101 recalls.
    let expected = 51.0 / 101
    let half = try #require(figures([found(0.9, 0)], [at(0), at(100)]).mAP)
    #expect(abs(half - expected) < 1e-9)
  }

  @Test func secondDetectionOfAnObjectIsWrong() throws {
    let twice = figures([found(0.9, 0), found(0.8, 0), found(0.7, 100)], [at(0), at(100)])
    #expect(abs(try #require(twice.mAP) - rightWrongRight) < 1e-9)
  }

  @Test(arguments: [TrueObject.Kind.crowd, .difficult])
  func detectionsOfCrowdsAndDifficultObjectsAreSetAside(kind: TrueObject.Kind) throws {
    let around = [found(0.95, 50), found(0.94, 50), found(0.93, 50), found(0.9, 0)]
    let figures = figures(around, [at(50, kind), at(0)])
    #expect(try #require(figures.mAP) > 0.999999999)
  }

  @Test func smallDetectionInsideFitsACrowdButNoDifficultObject() {
    let inside = Box(x: 2, y: 2, width: 2, height: 2)
    #expect(at(0, .crowd).fit(of: inside) == 1)
    #expect(at(0, .difficult).fit(of: inside) == 0.04)
    #expect(at(0).fit(of: Box(x: 20, y: 0, width: 5, height: 5)) == 0)
    #expect(at(0).fit(of: Box(x: .nan, y: 0, width: 5, height: 5)) == 0)
  }

  @Test func masksAreComparedByTheirPixels() throws {
    func runs(_ counts: [Int]) throws -> RunLengths { try RunLengths(counts: counts, pixels: 100) }
    func object(_ counts: [Int], _ kind: TrueObject.Kind = .single) throws -> TrueObject {
      TrueObject(classIndex: 0, box: at(0).box, mask: try runs(counts), kind: kind)
    }
    #expect(try object([10, 20, 70]).fit(of: runs([20, 20, 60])) == 10.0 / 30)
    #expect(try object([10, 20, 70], .crowd).fit(of: runs([15, 5, 80])) == 1)
    #expect(try object([10, 20, 70]).fit(of: runs([100])) == 0)
    #expect(at(0).fit(of: try runs([0, 100])) == 0, "no mask")

    // The boxes are all the same: only masks tell which is which.
    var precision = AveragePrecision(classCount: 1)
    precision.add(
      picture: 0, detections: [found(0.9, 0), found(0.8, 0), found(0.7, 0)],
      masks: [try runs([50, 25, 25]), try runs([90, 5, 5]), try runs([10, 19, 71])],
      truth: [try object([10, 20, 70]), try object([50, 25, 25])])
    let figures = try #require(precision.figures.classes[0])
    #expect(figures.objects == 2 && abs(figures.at50 - rightWrongRight) < 1e-9)
  }

  @Test func orderOfPicturesAndNumberOfWorkersChangeNothing() {
    var generator = SeededGenerator(seed: 7)
    let pictures = (0..<30).map { _ in
      (0..<Int.random(in: 0...8, using: &generator)).map { _ in
        // Few different scores: the order of equals decides.
        found(
          Float(Int.random(in: 1...3, using: &generator)) / 4,
          Float(Int.random(in: 0...9, using: &generator)) * 4)
      }
    }
    func figures(_ order: [Int], workers: Int) -> DetectionFigures {
      var parts = Array(repeating: AveragePrecision(classCount: 1), count: workers)
      for (n, i) in order.enumerated() {
        parts[n % workers].add(picture: i, detections: pictures[i], truth: [at(4), at(30)])
      }
      var whole = AveragePrecision(classCount: 1)
      for part in parts.reversed() { whole.add(part) }
      return whole.figures
    }
    let expected = figures(Array(0..<30), workers: 1)
    for workers in 1...5 {
      #expect(figures((0..<30).shuffled(using: &generator), workers: workers) == expected)
    }
  }

  @Test func scoresThatAreNoNumbersComeLast() throws {
    let figures = figures([found(.nan, 200), found(0.9, 0), found(.nan, 100)], [at(0), at(100)])
    #expect(abs(try #require(figures.mAP) - rightWrongRight) < 1e-9)
  }

  @Test func otherClassesAreLeftOut() {
    var precision = AveragePrecision(classCount: 1)
    precision.add(
      picture: 0,
      detections: [
        Detection(classIndex: -1, score: 1, box: at(0).box),
        Detection(classIndex: 1, score: 1, box: at(0).box),
      ], truth: [at(0)])
    #expect(precision.figures.mAP == 0)
  }

  /// Of two objects: precision 1 at 51 recalls, 2/3 at the others.
  private let rightWrongRight = (51.0 + 100.0 / 3) / 101

  private func figures(_ detections: [Detection], _ truth: [TrueObject]) -> DetectionFigures {
    var precision = AveragePrecision(classCount: 2)
    precision.add(picture: 0, detections: detections, truth: truth)
    return precision.figures
  }

  private func at(_ x: Float, _ kind: TrueObject.Kind = .single) -> TrueObject {
    TrueObject(classIndex: 0, box: Box(x: x, y: 0, width: 10, height: 10), kind: kind)
  }

  private func found(_ score: Float, _ x: Float) -> Detection {
    Detection(classIndex: 0, score: score, box: Box(x: x, y: 0, width: 10, height: 10))
  }
}
