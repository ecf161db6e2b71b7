// SPDX-License-Identifier: Apache-2.0
import CLVT
import Foundation
import LVT
import LVTC
import LVTTestSupport
import Testing

@Suite struct CInterfaceTests {
  private let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("lvt-\(UUID().uuidString).lvt").path

  /// Calls `body` with a model of a small network, and with the plan.
  private func withModel(
    of tiny: TinyNetwork = TinyNetwork(), _ body: (OpaquePointer, Plan) throws -> Void
  ) throws {
    let compiled = try tiny.compile(pictures: 1)
    try Data(compiled.bytes).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    var model: OpaquePointer?
    try #require(open(path, threads: 2, &model) == LVT_OK)
    defer { lvt_model_close(model) }
    try body(try #require(model), compiled.plan)
  }

  /// A status and the message that comes with it.
  private func result(
    _ call: (UnsafeMutablePointer<CChar>, Int) -> lvt_status
  ) -> (status: lvt_status, message: String) {
    var message = [CChar](repeating: 77, count: 200)
    let status = call(&message, message.count)
    return (status, text(message))
  }

  private func text(_ string: [CChar]) -> String {
    String(decoding: string.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func opened(_ path: String?, threads: Int32 = 1) -> (status: lvt_status, message: String)
  {
    var model: OpaquePointer? = OpaquePointer(bitPattern: 8)
    let found = result { open(path, threads: threads, &model, $0, $1) }
    #expect(model == nil)
    return found
  }

  @Test func framesOfEveryFormatGiveTheScoresOfTheClassifier() throws {
    try withModel { model, plan in
      let classifier = try Classifier(engine: Engine(plan: plan))
      let formats: [(PixelFormat, lvt_format)] = [
        (.rgb8, LVT_RGB8), (.bgr8, LVT_BGR8), (.rgba8, LVT_RGBA8), (.bgra8, LVT_BGRA8),
        (.gray8, LVT_GRAY8), (.yuyv, LVT_YUYV),
        (.uyvy, LVT_UYVY), (.nv12, LVT_NV12), (.nv21, LVT_NV21), (.yu12, LVT_YU12),
      ]
      #expect(formats.map { $0.0 } == PixelFormat.allCases)
      let colours: [(ColourEncoding, Int32, lvt_matrix)] = [
        (ColourEncoding(matrix: .bt601, range: .limited), 0, LVT_BT601),
        (ColourEncoding(matrix: .bt601, range: .full), 1, LVT_BT601),
        (ColourEncoding(matrix: .bt709, range: .limited), 0, LVT_BT709),
        (ColourEncoding(matrix: .bt709, range: .full), 1, LVT_BT709),
      ]
      for ((format, number), (colour, range, matrix)) in formats.flatMap({ format in
        colours.map { (format, $0) }
      }) {
        let (width, height, stride) = (51, 37, 212)
        let count = try ImageView.byteCount(
          format: format, width: width, height: height, stride: stride)
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
        try bytes.withUnsafeBytes { bytes in
          let view = try ImageView(
            format: format, width: width, height: height, stride: stride,
            colour: colour, bytes: bytes)
          let expected = try classifier.classify(view)
          var frame = lvt_frame(
            bytes: bytes.baseAddress, byte_count: count, format: number, width: 51, height: 37,
            stride: stride, is_full_range: range, matrix: matrix)
          let found = result { lvt_model_classify(model, &frame, $0, $1) }
          #expect(found.status == LVT_OK && found.message.isEmpty)
          let logits = UnsafeBufferPointer(start: lvt_model_logits(model), count: plan.classCount)
          #expect(Array(logits) == expected.logits)
          var top = [lvt_candidate](repeating: lvt_candidate(), count: plan.classCount + 2)
          #expect(lvt_model_top(model, &top, Int32(top.count)) == plan.classCount)
          for (candidate, known) in zip(top, expected.top(top.count)) {
            #expect(candidate.index == known.index && candidate.probability == known.probability)
            #expect(String(cString: candidate.label) == known.label)
          }
          #expect(lvt_model_top(model, &top, 1) == 1)
        }
      }
    }
  }

  @Test func labelsAreThePlans() throws {
    try withModel { model, plan in
      #expect(lvt_model_class_count(model) == plan.classCount)
      for index in 0..<plan.classCount {
        let label = try #require(lvt_model_label(model, Int32(index)))
        #expect(String(cString: label) == plan.label(ofClass: index))
      }
      #expect(lvt_model_label(model, -1) == nil)
      #expect(lvt_model_label(model, Int32(plan.classCount)) == nil)
    }
  }

  @Test(arguments: [false, true])
  func featuresAreResultsWithoutClasses(areMaps: Bool) throws {
    var tiny = TinyNetwork()
    (tiny.hasHead, tiny.features) = (areMaps, areMaps)
    try withModel(of: tiny) { model, plan in
      let classifier = try Classifier(engine: Engine(plan: plan))
      let pixels = (0..<20 * 30).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
      try pixels.withUnsafeBytes { bytes in
        _ = try classifier.classify(
          ImageView(format: .gray8, width: 30, height: 20, bytes: bytes))
        var frame = lvt_frame(
          bytes: bytes.baseAddress, byte_count: bytes.count, format: LVT_GRAY8, width: 30,
          height: 20, stride: 0, is_full_range: 1, matrix: LVT_BT601)
        #expect(lvt_model_classify(model, &frame, nil, 0) == LVT_OK)
      }
      #expect(lvt_model_class_count(model) == 0 && lvt_model_label(model, 0) == nil)
      #expect(lvt_model_logits(model) == nil)
      var candidate = lvt_candidate()
      #expect(lvt_model_top(model, &candidate, 1) == 0)
      let expected = classifier.engine.outputs
      #expect(lvt_model_output_count(model) == (areMaps ? 2 : 1))
      for (i, known) in expected.enumerated() {
        var output = lvt_output()
        #expect(lvt_model_output(model, Int32(i), &output) == LVT_OK)
        #expect(String(cString: try #require(output.name)) == known.name)
        #expect(output.kind == LVT_MAP && output.type == (areMaps ? LVT_INT8 : LVT_FLOAT32))
        #expect(output.channels == known.shape.channels && output.height == known.shape.height)
        #expect(output.scale == known.quantization.scale && output.pitch == known.pitch)
        let found = UnsafeRawBufferPointer(start: output.values, count: known.bytes.count)
        #expect(found.elementsEqual(known.bytes))
      }
      var output = lvt_output()
      #expect(lvt_model_output(model, Int32(expected.count), &output) == LVT_BAD_ARGUMENT)
    }
  }

  @Test func nullPointersAreErrors() throws {
    #expect(opened(nil) == (LVT_BAD_ARGUMENT, "path is NULL"))
    #expect(lvt_model_open("x", nil, nil, nil, 0) == LVT_BAD_ARGUMENT)
    lvt_model_close(nil)
    #expect(lvt_model_class_count(nil) == 0 && lvt_model_label(nil, 0) == nil)
    #expect(lvt_model_logits(nil) == nil)
    var output = lvt_output()
    #expect(lvt_model_output_count(nil) == 0)
    #expect(lvt_model_output(nil, 0, &output) == LVT_BAD_ARGUMENT)
    var candidate = lvt_candidate()
    #expect(lvt_model_top(nil, &candidate, 1) == 0)
    var frame = lvt_frame()
    #expect(lvt_model_classify(nil, &frame, nil, 0) == LVT_BAD_ARGUMENT)
    try withModel { model, _ in
      #expect(lvt_model_output(model, 0, nil) == LVT_BAD_ARGUMENT)
      #expect(lvt_model_top(model, nil, 3) == 0 && lvt_model_top(model, &candidate, -1) == 0)
      #expect(
        result { lvt_model_classify(model, nil, $0, $1) } == (LVT_BAD_ARGUMENT, "frame is NULL"))
      #expect(
        result { lvt_model_classify(model, &frame, $0, $1) }
          == (LVT_BAD_ARGUMENT, "frame.bytes is NULL"))
    }
  }

  @Test func wrongFramesAreErrors() throws {
    try withModel { model, _ in
      let pixels = [UInt8](repeating: 0, count: 30 * 20 * 3)
      pixels.withUnsafeBytes { bytes in
        let right = lvt_frame(
          bytes: bytes.baseAddress, byte_count: bytes.count, format: LVT_RGB8, width: 30,
          height: 20,
          stride: 0, is_full_range: 0, matrix: LVT_BT601)
        let changes: [(inout lvt_frame) -> Void] = [
          { $0.byte_count -= 1 }, { $0.byte_count = 0 }, { $0.width = 31 }, { $0.width = 0 },
          { $0.width = -1 }, { $0.height = .max }, { $0.height = .min }, { $0.stride = 89 },
          { $0.stride = 91 }, { $0.stride = -1 }, { $0.format = lvt_format(rawValue: 10) },
          { $0.matrix = lvt_matrix(rawValue: 2) },
          { $0.format = lvt_format(rawValue: .max) },
          {
            $0.stride = .max
            $0.byte_count = -1
            $0.format = LVT_YU12
          },
        ]
        for change in changes {
          var frame = right
          change(&frame)
          let found = result { lvt_model_classify(model, &frame, $0, $1) }
          #expect(found.status == LVT_BAD_FRAME && !found.message.isEmpty, "\(frame)")
        }
        var frame = right
        #expect(lvt_model_classify(model, &frame, nil, 0) == LVT_OK)
      }
    }
  }

  @Test func plansAndThreadsThatCannotBeUsedAreErrors() throws {
    #expect(opened("/nowhere/x.lvt").status == LVT_BAD_PLAN)
    #expect(opened("/nowhere/x.lvt").message.hasPrefix("/nowhere/x.lvt: "))
    #expect(opened("/").status == LVT_BAD_PLAN)
    let bytes = Data(try TinyNetwork().compile(pictures: 1).bytes)
    let url = URL(fileURLWithPath: path)
    defer { try? FileManager.default.removeItem(at: url) }
    for count in [0, 1, 100, bytes.count / 2, bytes.count - 1] {
      try bytes.prefix(count).write(to: url)
      #expect(opened(path).status == LVT_BAD_PLAN)
    }
    try bytes.write(to: url)
    for threads: Int32 in [-1, 65, .max] {
      #expect(opened(path, threads: threads).status == LVT_NO_ENGINE)
    }
  }

  @Test func noNumberOfThreadsIsTheBestOne() throws {
    let plan = try TinyNetwork().compile(pictures: 1)
    let url = URL(fileURLWithPath: path)
    defer { try? FileManager.default.removeItem(at: url) }
    try Data(plan.bytes).write(to: url)
    var model: OpaquePointer?
    #expect(open(path, threads: 0, &model) == LVT_OK)
    #expect(lvt_model_class_count(model) == 5)
    lvt_model_close(model)
  }

  @Test func messagesAreCutToFit() {
    var message = [CChar](repeating: 77, count: 8)
    var model: OpaquePointer?
    #expect(lvt_model_open(nil, nil, &model, &message, 5) == LVT_BAD_ARGUMENT)
    #expect(message == "path".utf8.map { CChar($0) } + [0, 77, 77, 77])
    #expect(lvt_model_open(nil, nil, &model, &message, 1) == LVT_BAD_ARGUMENT)
    #expect(message[0] == 0 && message[1] == CChar(UInt8(ascii: "a")))
    #expect(lvt_model_open(nil, nil, &model, &message, 0) == LVT_BAD_ARGUMENT)
    #expect(message[0] == 0)
  }

  @Test func capacityHasNoSign() {
    var message = [CChar](repeating: 77, count: 200)
    var model: OpaquePointer?
    for capacity in [-1, Int.min, Int.max] {  // size_t is imported as Int
      message[0] = 77
      #expect(lvt_model_open(nil, nil, &model, &message, capacity) == LVT_BAD_ARGUMENT)
      #expect(text(message) == "path is NULL")
      #expect(lvt_model_classify(nil, nil, &message, capacity) == LVT_BAD_ARGUMENT)
      #expect(text(message) == "model is NULL")
    }
  }

  @Test func messagesEndWithWholeCharacters() {
    var model: OpaquePointer?
    for capacity in 1...20 {
      var message = [CChar](repeating: 77, count: 20)
      #expect(lvt_model_open("äöü€", nil, &model, &message, capacity) == LVT_BAD_PLAN)
      let bytes = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      #expect(String(validating: bytes, as: UTF8.self) != nil, "\(capacity)")
    }
  }

  @Test func messagesHoldNoControlCharacters() {
    let found = opened("a\u{1B}[2J\nb")
    #expect(found.status == LVT_BAD_PLAN && found.message.hasPrefix(#"a\u{1b}[2J\u{a}b: cannot"#))
  }

  @Test func everyStatusHasWords() {
    let texts = Set((0..<8).map { String(cString: lvt_status_text(lvt_status(rawValue: $0))) })
    #expect(texts.count == 8 && texts.contains("unknown status"))
  }
}
