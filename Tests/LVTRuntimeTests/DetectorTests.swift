// SPDX-License-Identifier: Apache-2.0
import LVT
import LVTTestSupport
import Testing

/// ``Detector`` and ``Segmenter``.
@Suite struct DetectorTests {
  private let width = 91, height = 57

  private func detectorPlan() throws -> Plan {
    try Plan(path: fixtures + "/plan/tiny-detector.lvt")
  }
  private func segmenterPlan() throws -> Plan {
    try Plan(path: fixtures + "/plan/tiny-segmenter.lvt")
  }

  /// Calls `body` with a picture whose sides are in no simple ratio to the input's.
  private func withPicture<R>(shift: Int = 0, _ body: (ImageView) throws -> R) throws -> R {
    let bytes = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: ($0 + shift) &* $0 >> 4) }
    return try bytes.withUnsafeBytes { bytes in
      try body(ImageView(format: .rgb8, width: width, height: height, bytes: bytes))
    }
  }

  private func mapping(_ plan: Plan) throws -> PictureMapping {
    try PictureMapping(width: width, height: height, spec: plan.input)
  }

  /// The values of the plan's only result.
  private func result(_ plan: Plan, _ picture: ImageView) throws -> [Float] {
    let classifier = try Classifier(engine: Engine(plan: plan))
    try classifier.load(picture)
    classifier.engine.run()
    return classifier.engine.outputs[0].values
  }

  @Test func objectsAreThoseOfTheInputInThePicturesPixels() throws {
    let plan = try detectorPlan()
    try withPicture { picture in
      let detector = try Detector(engine: Engine(plan: plan))
      let found = try detector.detect(picture)
      var expected = try Detection.list(result(plan, picture))
      #expect(expected.count > 3)
      for i in expected.indices { expected[i].box = try mapping(plan).picture(expected[i].box) }
      let count = expected.count
      expected.removeAll { $0.box.width == 0 || $0.box.height == 0 }
      #expect(expected.count < count)  // some are at the edges
      #expect(found == expected && detector.detections == expected)
      for detection in found {
        let box = detection.box
        #expect(box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0)
        #expect(box.x + box.width <= Float(width) + 0.01)
        #expect(box.y + box.height <= Float(height) + 0.01)
        #expect((0..<plan.classCount).contains(detection.classIndex))
      }
      #expect(found.count <= detector.mostDetections)
      #expect(zip(found, found.dropFirst()).allSatisfy { $0.score >= $1.score })
    }
  }

  @Test func filterLeavesOutWhatIsNotWanted() throws {
    try withPicture { picture in
      let detector = try Detector(engine: Engine(plan: detectorPlan()))
      let all = try detector.detect(picture)
      let middle = all[all.count / 2]
      detector.filter = ResultFilter(leastScore: middle.score)
      #expect(detector.detections == all.filter { $0.score >= middle.score })
      detector.filter = ResultFilter(classes: [middle.classIndex])
      let ofClass = try detector.detect(picture)
      #expect(ofClass == all.filter { $0.classIndex == middle.classIndex })
      detector.filter = ResultFilter(leastScore: 1)
      #expect(try detector.detect(picture).isEmpty)
    }
  }

  @Test func arrayIsUsedAgain() throws {
    let detector = try Detector(engine: Engine(plan: detectorPlan()))
    var found = [Detection(classIndex: 9, score: 1, box: Box(x: 0, y: 0, width: 1, height: 1))]
    for shift in [0, 5, 0] {
      try withPicture(shift: shift) { picture in
        try detector.detect(picture, into: &found)
        #expect(try found == detector.detect(picture))
      }
    }
  }

  @Test func labelMapIsThatOfTheInputAtThePicturesSize() throws {
    let plan = try segmenterPlan()
    try withPicture { picture in
      let segmenter = try Segmenter(engine: Engine(plan: plan))
      #expect(segmenter.map == LabelMap(width: 0, height: 0, labels: []))
      let map = try segmenter.segment(picture)
      let input = try LabelMap(
        width: plan.input.width, height: plan.input.height,
        labels: result(plan, picture).map { UInt8($0) })
      #expect(try map == mapping(plan).picture(input) && segmenter.map == map)
      #expect(map.width == width && map.height == height)
      #expect(Set(map.labels).count > 1 && map.labels.allSatisfy { $0 < plan.classCount })
    }
  }

  @Test func labelMapGoesIntoTheCallersRows() throws {
    try withPicture { picture in
      let segmenter = try Segmenter(engine: Engine(plan: segmenterPlan()))
      let map = try segmenter.segment(picture)
      for stride in [nil, width, width + 9] {
        let step = stride ?? width, least = (height - 1) * step + width
        var rows = [UInt8](repeating: 77, count: least + 5)
        try rows.withUnsafeMutableBufferPointer {
          try segmenter.segment(picture, into: $0, stride: stride)
        }
        for y in 0..<height {
          #expect(
            rows[y * step..<y * step + width].elementsEqual(map.labels[y * width..<(y + 1) * width])
          )
          #expect(
            rows[(y * step + width)...].prefix(y + 1 < height ? step - width : 5).allSatisfy {
              $0 == 77
            })
        }
        rows.withUnsafeMutableBufferPointer { rows in
          #expect(throws: ImageError.bytes(least: least, found: least - 1)) {
            try segmenter.segment(
              picture, into: UnsafeMutableBufferPointer(rebasing: rows[..<(least - 1)]),
              stride: stride)
          }
          #expect(throws: ImageError.stride(least: width, found: width - 1)) {
            try segmenter.segment(picture, into: rows, stride: width - 1)
          }
          #expect(throws: ImageError.bytes(least: .max, found: rows.count)) {
            try segmenter.segment(picture, into: rows, stride: .max / 2)
          }
        }
      }
    }
  }

  @Test func plansWithoutTheResultAreRefused() throws {
    let tiny = try Plan(path: fixtures + "/plan/tiny.lvt")
    for plan in [tiny, try segmenterPlan()] {
      #expect(throws: ResultError.missing(.detections)) { try Detector(engine: Engine(plan: plan)) }
    }
    for plan in [tiny, try detectorPlan()] {
      #expect(throws: ResultError.missing(.pixelClasses)) {
        try Segmenter(engine: Engine(plan: plan))
      }
    }
    #expect(
      ResultError.missing(.detections).description == "a plan without boxes, expected a detector's")
    #expect(ResultError.image(.size(width: 0, height: 1)).description.contains("0×1 pixels"))
  }
}
