// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTTestSupport
import Testing

@testable import LVTPlanner

/// Cases that `tools/check-evaluator` wrote with the figures of pycocotools and numpy: those of the
/// fixtures, and, when it runs these tests, many more.
@Suite struct EvaluatorAgreementTests {
  @Test(arguments: folders(with: "results.json"))
  func averagePrecisionIsThatOfPycocotools(folder: String) throws {
    let expected = try json(ExpectedDetection.self, folder + "/expected.json")
    let truth = try COCOFile.read(path: folder + "/truth.json")
    let ids = try json(TruthIDs.self, folder + "/truth.json")
    let results = Dictionary(
      grouping: try json([Result].self, folder + "/results.json"), by: \.image_id)
    let images = ids.images.map(\.id).sorted(), categories = ids.categories.map(\.id).sorted()

    // Three workers, the last of which had the first pictures.
    var parts = Array(
      repeating: AveragePrecision(classCount: truth.classes.count), count: 3)
    for (i, picture) in truth.pictures.enumerated() {
      let detections = (results[images[i]] ?? []).compactMap { $0.detection(categories) }
      parts[2 - i % 3].add(picture: i, detections: detections, truth: picture.objects)
    }
    var whole = AveragePrecision(classCount: truth.classes.count)
    for part in parts { whole.add(part) }
    let figures = whole.figures

    #expect(truth.faults.empty == 0 && truth.faults.outside == 0)
    #expect(whole.pictures == images.count)
    expectNear(figures.mAP, expected.mAP, expected.tolerance)
    expectNear(figures.mAP50, expected.mAP50, expected.tolerance)
    #expect(figures.classes.count == expected.classes.count)
    for (found, expected_) in zip(figures.classes, expected.classes) {
      expectNear(found?.average, expected_?.average, expected.tolerance)
      expectNear(found?.at50, expected_?.at50, expected.tolerance)
    }
  }

  @Test(arguments: folders(with: "answers"))
  func segmentationScoreIsThatOfNumpy(folder: String) throws {
    let expected = try json(ExpectedSegmentation.self, folder + "/expected.json")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/answers")
    let answers = try LabelFolder(
      path: folder + "/truth", pictures: names.sorted().map { folder + "/answers/" + $0 })
    #expect(answers.missing == [])
    var score = SegmentationScore(
      classCount: expected.classCount, reduceZeroLabel: expected.reduceZeroLabel)
    for pair in answers.pairs {
      var part = SegmentationScore(
        classCount: expected.classCount, reduceZeroLabel: expected.reduceZeroLabel)
      try part.add(
        answer: LabelPicture.read(path: pair.picture), truth: LabelPicture.read(path: pair.labels))
      score.add(part)
    }
    #expect(score.pictures == names.count)
    expectNear(score.mIoU, expected.mIoU, expected.tolerance)
    expectNear(score.pixelAccuracy, expected.pixelAccuracy, expected.tolerance)
    let classes = score.intersectionOverUnion
    #expect(classes.count == expected.classes.count)
    for (found, value) in zip(classes, expected.classes) {
      expectNear(found, value, expected.tolerance)
    }
  }

  private func expectNear(_ found: Double?, _ expected: Double?, _ tolerance: Double) {
    guard let found, let expected else {
      #expect(found == nil && expected == nil)
      return
    }
    #expect(abs(found - expected) <= tolerance)
  }
}

private func folders(with name: String) -> [String] {
  let made = ProcessInfo.processInfo.environment["LVT_EVALUATOR_CASES"]
  return [fixtures + "/evaluate/cases", made].compactMap(\.self).flatMap { root in
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return names.sorted().map { root + "/" + $0 }.filter {
      FileManager.default.fileExists(atPath: $0 + "/" + name)
    }
  }
}

private func json<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
  try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: path)))
}

private struct ExpectedDetection: Decodable {
  struct OfClass: Decodable {
    let average, at50: Double
  }

  let mAP, mAP50, tolerance: Double
  let classes: [OfClass?]
}

private struct ExpectedSegmentation: Decodable {
  let classCount: Int
  let reduceZeroLabel: Bool
  let mIoU, pixelAccuracy, tolerance: Double
  let classes: [Double?]
}

private struct TruthIDs: Decodable {
  struct Entry: Decodable {
    let id: Int
  }

  let images, categories: [Entry]
}

private struct Result: Decodable {
  let image_id, category_id: Int
  let bbox: [Float]
  let score: Float

  func detection(_ categories: [Int]) -> Detection? {
    categories.firstIndex(of: category_id).map {
      Detection(
        classIndex: $0, score: score,
        box: Box(x: bbox[0], y: bbox[1], width: bbox[2], height: bbox[3]))
    }
  }
}
