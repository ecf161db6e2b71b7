// SPDX-License-Identifier: Apache-2.0
import CLVT
import LVT
import LVTC
import LVTTestSupport
import Testing

/// `lvt_model_detections`, `lvt_model_label_map` and `lvt_model_mask`.
@Suite struct ObjectTests {
  private let width = 91, height = 57

  /// Calls `body` with a model of a stored plan before its first frame, the plan, and a frame.
  private func withModel(
    _ name: String, _ body: (OpaquePointer, Plan, inout lvt_frame, ImageView) throws -> Void
  ) throws {
    let path = fixtures + "/plan/\(name).lvt"
    var opened: OpaquePointer?
    try #require(open(path, threads: 2, &opened) == LVT_OK)
    defer { lvt_model_close(opened) }
    let model = try #require(opened)
    let bytes = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 4) }
    try bytes.withUnsafeBytes { bytes in
      var frame = lvt_frame(
        bytes: bytes.baseAddress, byte_count: bytes.count, format: LVT_RGB8, width: Int32(width),
        height: Int32(height), stride: 0, is_full_range: 0, matrix: LVT_BT601)
      try body(
        model, Plan(path: path), &frame,
        ImageView(format: .rgb8, width: width, height: height, bytes: bytes))
    }
  }

  @Test func objectsAreThoseOfTheDetector() throws {
    try withModel("tiny-detector") { model, plan, frame, view in
      let expected = try Detector(engine: Engine(plan: plan)).detect(view)
      var found = [lvt_detection](repeating: lvt_detection(), count: expected.count + 2)
      let room = Int32(found.count)
      #expect(lvt_model_detections(model, 0, &found, room) == 0)
      #expect(lvt_model_classify(model, &frame, nil, 0) == LVT_OK)
      #expect(lvt_model_class_count(model) == 3 && lvt_model_logits(model) == nil)
      #expect(lvt_model_detections(model, 0, &found, room) == expected.count)
      for (object, known) in zip(found, expected) {
        #expect(object.index == known.classIndex && object.score == known.score)
        #expect(object.x == known.box.x && object.y == known.box.y)
        #expect(object.width == known.box.width && object.height == known.box.height)
        #expect(String(cString: object.label) == plan.label(ofClass: known.classIndex))
      }
      let least = expected[expected.count / 2].score
      #expect(
        lvt_model_detections(model, least, &found, room)
          == expected.count { $0.score >= least })
      #expect(lvt_model_detections(model, 0, &found, 2) == 2)
      #expect(lvt_model_detections(model, 0, &found, 0) == 0)
      #expect(lvt_model_detections(model, 0, &found, -1) == 0)
      #expect(lvt_model_detections(model, 0, nil, 2) == 0)
      #expect(lvt_model_detections(nil, 0, &found, 2) == 0)
      var output = lvt_output()
      #expect(lvt_model_output(model, 0, &output) == LVT_OK)
      #expect(output.kind == LVT_DETECTIONS && output.type == LVT_FLOAT32)
      #expect(output.height == 1 && output.width == 100 && output.channels == 6)
    }
  }

  @Test func labelMapIsThatOfTheSegmenter() throws {
    try withModel("tiny-segmenter") { model, plan, frame, view in
      let expected = try Segmenter(engine: Engine(plan: plan)).segment(view)
      let stride = width + 5, least = (height - 1) * stride + width
      var rows = [UInt8](repeating: 77, count: least)
      #expect(lvt_model_label_map(model, &rows, least, stride) == LVT_NO_RESULT)
      #expect(lvt_model_classify(model, &frame, nil, 0) == LVT_OK)
      #expect(lvt_model_label_map(model, &rows, least, stride) == LVT_OK)
      for y in 0..<height {
        let row = expected.labels[y * width..<(y + 1) * width]
        #expect(rows[y * stride..<y * stride + width].elementsEqual(row))
        #expect(
          rows[(y * stride + width)...].prefix(y + 1 < height ? 5 : 0).allSatisfy { $0 == 77 })
      }
      #expect(lvt_model_label_map(model, &rows, width * height, 0) == LVT_OK)
      #expect(rows[..<(width * height)].elementsEqual(expected.labels))
      for (count, stride) in [
        (least - 1, stride), (width * height - 1, 0), (least, width - 1), (least, .max), (0, 0),
      ] {
        #expect(lvt_model_label_map(model, &rows, count, stride) == LVT_BAD_ARGUMENT)
      }
      #expect(lvt_model_label_map(model, nil, least, stride) == LVT_BAD_ARGUMENT)
      #expect(lvt_model_label_map(nil, &rows, least, stride) == LVT_BAD_ARGUMENT)
      var output = lvt_output()
      #expect(lvt_model_output(model, 0, &output) == LVT_OK)
      #expect(output.kind == LVT_PIXEL_CLASSES && output.type == LVT_LABELS)
      #expect(output.height == 50 && output.width == 64 && output.channels == 1)
      #expect(output.pitch == 1 && output.scale == 1 && output.zero_point == 0)
    }
  }

  @Test func masksAreThoseOfTheDetector() throws {
    try withModel("tiny-rcnn") { model, plan, frame, view in
      let detector = try Detector(engine: Engine(plan: plan))
      let objects = try detector.detect(view), masks = detector.masks
      let stride = width + 5, least = (height - 1) * stride + width
      var rows = [UInt8](repeating: 77, count: least)
      #expect(lvt_model_mask(model, 0, 0, &rows, least, stride) == LVT_NO_RESULT)
      #expect(lvt_model_classify(model, &frame, nil, 0) == LVT_OK)
      func expectMask(_ index: Int, _ score: Float, _ known: Int) {
        rows = [UInt8](repeating: 77, count: least)
        #expect(lvt_model_mask(model, score, Int32(index), &rows, least, stride) == LVT_OK)
        var expected = [UInt8](repeating: 77, count: least)
        expected.withUnsafeMutableBufferPointer {
          masks.runs[known].write(to: $0, height: height, stride: stride)
        }
        let isSame = rows == expected
        #expect(isSame, "object \(known)")
      }
      #expect(objects.count > 2)
      for i in objects.indices { expectMask(i, 0, i) }
      #expect(lvt_model_mask(model, 0, 0, &rows, width * height, 0) == LVT_OK)
      // Objects are counted from a score on.
      let last = objects.count - 1
      expectMask(0, objects[0].score, 0)
      let isAlone = objects[last].score < objects[last - 1].score
      #expect(
        lvt_model_mask(model, objects[last - 1].score, Int32(last), &rows, least, stride)
          == (isAlone ? LVT_BAD_ARGUMENT : LVT_OK))
      for (index, count, stride) in [
        (Int32(last + 1), least, stride), (.max, least, stride), (-1, least, stride),
        (0, least - 1, stride), (0, width * height - 1, 0), (0, least, width - 1),
        (0, least, .max), (0, 0, 0),
      ] {
        #expect(lvt_model_mask(model, 0, index, &rows, count, stride) == LVT_BAD_ARGUMENT)
      }
      #expect(lvt_model_mask(model, 0, 0, nil, least, stride) == LVT_BAD_ARGUMENT)
      #expect(lvt_model_mask(nil, 0, 0, &rows, least, stride) == LVT_BAD_ARGUMENT)
      var output = lvt_output()
      #expect(lvt_model_output(model, 1, &output) == LVT_OK)
      #expect(output.kind == LVT_MASKS && output.type == LVT_FLOAT32)
      #expect(output.height == 1 && output.width == 9 && output.channels == 784)
    }
  }

  @Test func otherPlansHaveNeither() throws {
    for name in ["tiny", "tiny-detector", "tiny-segmenter"] {
      try withModel(name) { model, _, frame, _ in
        #expect(lvt_model_classify(model, &frame, nil, 0) == LVT_OK)
        var object = lvt_detection()
        var rows = [UInt8](repeating: 0, count: width * height)
        #expect(lvt_model_detections(model, 0, &object, 1) == (name == "tiny-detector" ? 1 : 0))
        #expect(
          lvt_model_label_map(model, &rows, rows.count, 0)
            == (name == "tiny-segmenter" ? LVT_OK : LVT_NO_RESULT))
        #expect(lvt_model_mask(model, 0, 0, &rows, rows.count, 0) == LVT_NO_RESULT)
      }
    }
  }
}
