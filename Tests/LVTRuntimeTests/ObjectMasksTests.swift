// SPDX-License-Identifier: Apache-2.0
import LVT
import LVTTestSupport
import Testing

/// The pixels of objects, by ``Detector``.
@Suite struct ObjectMasksTests {
  /// The input is 64 × 50; a picture of other proportions has padding above and below in a letterbox.
  private let width = 91, height = 31

  private static let letterboxed = Result {
    var tiny = TinyNetwork.rcnn()
    tiny.fit = .letterbox(padding: RGB(red: 9, green: 99, blue: 199))
    return try tiny.compile().bytes
  }

  private func detector(_ name: String = "tiny-rcnn") throws -> Detector {
    try Detector(engine: Engine(plan: Plan(path: fixtures + "/plan/\(name).lvt")))
  }

  private func withPicture<R>(_ body: (ImageView) throws -> R) throws -> R {
    let bytes = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 4) }
    return try bytes.withUnsafeBytes { bytes in
      try body(ImageView(format: .rgb8, width: width, height: height, bytes: bytes))
    }
  }

  /// Pixels of an object, row after row.
  private func pixels(_ runs: RunLengths) -> [UInt8] {
    var bytes = [UInt8](repeating: 7, count: width * height)
    bytes.withUnsafeMutableBufferPointer { runs.write(to: $0, height: height, stride: width) }
    return bytes
  }

  /// How likely a pixel belongs to the object of a row of the result: TwoStageDetectors.md, in double.
  private func probability(
    _ x: Int, _ y: Int, _ mask: ArraySlice<Float>, _ box: (x: Float, y: Float, w: Float, h: Float)
  ) -> Double {
    func place(_ pixel: Int, _ low: Float, _ side: Float) -> Double {
      (Double(pixel) + 0.5 - Double(low)) / Double(side) * 28 - 0.5
    }
    let column = place(x, box.x, box.w), row = place(y, box.y, box.h)
    guard column > -1, column < 28, row > -1, row < 28 else { return 0 }
    let left = Int(column.rounded(.down)), top = Int(row.rounded(.down))
    func value(_ y: Int, _ x: Int) -> Double {
      (0..<28).contains(y) && (0..<28).contains(x)
        ? Double(mask[mask.startIndex + 28 * y + x]) : 0
    }
    let (right, below) = (column - Double(left), row - Double(top))
    return (value(top, left) * (1 - right) + value(top, left + 1) * right) * (1 - below)
      + (value(top + 1, left) * (1 - right) + value(top + 1, left + 1) * right) * below
  }

  /// Compares all masks of a picture with that arithmetic.
  ///
  /// - Returns: How many boxes reach beyond the picture.
  private func expectPasted(_ detector: Detector, _ picture: ImageView) throws -> Int {
    let found = try detector.detect(picture), masks = detector.masks
    #expect(found.count > 2 && masks.runs.count == found.count)
    #expect(masks.width == width && masks.height == height)
    let outputs = detector.engine.outputs
    let rows = outputs[0].values, probabilities = outputs[1].values
    let mapping = try PictureMapping(
      width: width, height: height, spec: detector.engine.plan.input)
    var object = 0, beyond = 0, covered = 0
    for row in 0..<rows.count / 6 where rows[6 * row + 4] > 0 {
      let first = mapping.place(x: rows[6 * row], y: rows[6 * row + 1])
      let last = mapping.place(x: rows[6 * row + 2], y: rows[6 * row + 3])
      guard object < found.count, found[object].score == rows[6 * row + 4],
        found[object].box.x == max(0, first.x)
      else { continue }
      if first.y < -1 || last.y > Float(height) + 1 { beyond += 1 }
      let seen = pixels(masks.runs[object])
      for (i, pixel) in seen.enumerated() {
        let expected = probability(
          i % width, i / width, probabilities[784 * row..<784 * (row + 1)],
          (first.x, first.y, last.x - first.x, last.y - first.y))
        if abs(expected - 0.5) > 1e-3 { #expect((pixel == 1) == (expected > 0.5)) }
      }
      covered += masks.runs[object].area
      object += 1
    }
    #expect(object == found.count && covered > 0)
    return beyond
  }

  @Test(arguments: ["tiny-rcnn", "tiny-cascade"])
  func masksArePastedIntoTheirBoxesInTheOrderOfObjects(name: String) throws {
    let detector = try detector(name)
    #expect(detector.hasMasks)
    _ = try withPicture { try expectPasted(detector, $0) }
  }

  @Test func whatOfABoxIsBesideThePictureIsNotCutFromItsMask() throws {
    let detector = try Detector(engine: Engine(plan: plan(Self.letterboxed.get())))
    let beyond = try withPicture { try expectPasted(detector, $0) }
    #expect(beyond > 0)
  }

  @Test func filterLeavesOutMasksToo() throws {
    let detector = try detector()
    try withPicture { picture in
      let all = try detector.detect(picture), masks = detector.masks
      let middle = all[all.count / 2]
      for (filter, keeps) in [
        (ResultFilter(leastScore: middle.score), { $0.score >= middle.score }),
        (ResultFilter(classes: [middle.classIndex]), { $0.classIndex == middle.classIndex }),
      ] as [(ResultFilter, (Detection) -> Bool)] {
        detector.filter = filter
        let kept = all.indices.filter { keeps(all[$0]) }
        #expect(detector.masks.runs == kept.map { masks.runs[$0] })
        #expect(kept.count < all.count)
      }
    }
  }

  @Test func aMaskGoesIntoTheCallersRows() throws {
    let detector = try detector()
    try withPicture { picture in
      let count = try detector.detect(picture).count, masks = detector.masks
      for index in 0..<count {
        for stride in [width, width + 9] {
          let least = (height - 1) * stride + width
          var rows = [UInt8](repeating: 77, count: least + 5)
          let isThere = try rows.withUnsafeMutableBufferPointer {
            try detector.writeMask(of: index, into: $0, stride: stride)
          }
          #expect(isThere == true)
          let expected = pixels(masks.runs[index])
          for y in 0..<height {
            let row = rows[(y * stride)...]
            #expect(row.prefix(width).elementsEqual(expected[y * width..<(y + 1) * width]))
            #expect(
              row.dropFirst(width).prefix(y + 1 < height ? stride - width : 5).allSatisfy {
                $0 == 77
              })
          }
          rows.withUnsafeMutableBufferPointer { rows in
            #expect(throws: ImageError.bytes(least: least, found: least - 1)) {
              try detector.writeMask(
                of: index, into: UnsafeMutableBufferPointer(rebasing: rows[..<(least - 1)]),
                stride: stride)
            }
            #expect(throws: ImageError.stride(least: width, found: width - 1)) {
              try detector.writeMask(of: index, into: rows, stride: width - 1)
            }
          }
        }
      }
      var rows = [UInt8](repeating: 77, count: width * height)
      for index in [count, .max - 1] {
        let isThere = try rows.withUnsafeMutableBufferPointer {
          try detector.writeMask(of: index, into: $0)
        }
        #expect(isThere == false)
      }
      #expect(rows.allSatisfy { $0 == 77 })
    }
  }

  @Test func masksAreNotKnownBeforeAPictureAndOfOtherPlans() throws {
    let fresh = try detector(), other = try detector("tiny-detector")
    #expect(fresh.masks == .none && !other.hasMasks)
    try withPicture { picture in
      let found = try other.detect(picture)
      #expect(!found.isEmpty && other.masks == .none)
    }
    var rows = [UInt8](repeating: 0, count: width * height)
    for detector in [fresh, other] {
      let isThere = try rows.withUnsafeMutableBufferPointer {
        try detector.writeMask(of: 0, into: $0)
      }
      #expect(isThere == nil)
    }
  }
}
