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
    expectNear(figures, expected)
  }

  @Test(arguments: folders(with: "mask-results.json"))
  func averagePrecisionOfMasksIsThatOfPycocotools(folder: String) throws {
    let expected = try json(ExpectedDetection.self, folder + "/expected.json")
    let truth = try COCOFile.read(path: folder + "/truth.json", masks: true)
    let ids = try json(TruthIDs.self, folder + "/truth.json")
    let results = Dictionary(
      grouping: try json([MaskResult].self, folder + "/mask-results.json"), by: \.image_id)
    let images = ids.images.map(\.id).sorted(), categories = ids.categories.map(\.id).sorted()

    var precision = AveragePrecision(classCount: truth.classes.count)
    for (i, picture) in truth.pictures.enumerated() {
      let found = results[images[i]] ?? []
      let pixels = try #require(picture.width) * #require(picture.height)
      precision.add(
        picture: i,
        detections: try found.map {
          Detection(
            classIndex: try #require(categories.firstIndex(of: $0.category_id)), score: $0.score,
            box: Box(x: 0, y: 0, width: 0, height: 0))
        },
        masks: try found.map {
          try RunLengths(packed: $0.segmentation.counts.utf8, pixels: pixels)
        },
        truth: picture.objects)
    }
    #expect(truth.faults == BoxFaults())
    expectNear(precision.figures, expected)
  }

  private func expectNear(_ found: DetectionFigures, _ expected: ExpectedDetection) {
    expectNear(found.mAP, expected.mAP, expected.tolerance)
    expectNear(found.mAP50, expected.mAP50, expected.tolerance)
    #expect(found.classes.count == expected.classes.count)
    for (found, expected_) in zip(found.classes, expected.classes) {
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

  @Test(arguments: folders(with: "masks.json"))
  func pastedMasksHaveThePixelsOfTheReference(folder: String) throws {
    let file = try json(ExpectedMasks.self, folder + "/masks.json")
    let pixels = file.width * file.height
    for (i, mask) in file.masks.enumerated() {
      let expected = try RunLengths(packed: mask.set.utf8, pixels: pixels)
      let undecided = try RunLengths(packed: mask.undecided.utf8, pixels: pixels)
      #expect(expected.packed == mask.set)
      let found = RunLengths(
        pasting: mask.probabilities, side: mask.side,
        box: Box(
          x: mask.box[0], y: mask.box[1], width: mask.box[2] - mask.box[0],
          height: mask.box[3] - mask.box[1]),
        width: file.width, height: file.height)
      #expect(found.pixels == pixels)
      var differing = 0
      let a = bits(found, file.height), b = bits(expected, file.height)
      let open = bits(undecided, file.height)
      for at in 0..<pixels where a[at] != b[at] && open[at] == 0 { differing += 1 }
      #expect(differing == 0, "mask \(i) of \(folder)")
    }
  }

  private func bits(_ runs: RunLengths, _ height: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 9, count: runs.pixels)
    bytes.withUnsafeMutableBufferPointer {
      runs.write(to: $0, height: height, stride: runs.pixels / height)
    }
    return bytes
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

private struct MaskResult: Decodable {
  struct Segmentation: Decodable {
    let counts: String
  }

  let image_id, category_id: Int
  let segmentation: Segmentation
  let score: Float
}

private struct ExpectedMasks: Decodable {
  struct Mask: Decodable {
    let side: Int
    let probabilities, box: [Float]
    let set, undecided: String
  }

  let width, height: Int
  let masks: [Mask]
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
