// SPDX-License-Identifier: Apache-2.0
import CLVT
import Foundation
import LVT
import LVTC
import LVTTestSupport
import Testing

/// `lvt_model_output`.
@Suite struct OutputTests {
  /// Calls `body` with a model that has seen the picture of the plan.
  private func withModel(_ made: ResultPlan, _ body: (OpaquePointer) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("lvt-\(UUID().uuidString).lvt").path
    try Data(made.bytes).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    var opened: OpaquePointer?
    try #require(open(path, threads: 2, &opened) == LVT_OK)
    defer { lvt_model_close(opened) }
    let model = try #require(opened)
    made.picture.withUnsafeBytes { bytes in
      var frame = lvt_frame(
        bytes: bytes.baseAddress, byte_count: bytes.count, format: LVT_RGB8, width: 4, height: 3,
        stride: 0, is_full_range: 0, matrix: LVT_BT601)
      #expect(lvt_model_classify(model, &frame, nil, 0) == LVT_OK)
    }
    try body(model)
  }

  private func outputs(_ model: OpaquePointer) throws -> [lvt_output] {
    try (0..<lvt_model_output_count(model)).map { index in
      var output = lvt_output()
      try #require(lvt_model_output(model, index, &output) == LVT_OK)
      return output
    }
  }

  @Test func resultsSayWhatTheyAre() throws {
    try withModel(ResultPlan(classes: 5)) { model in
      let outputs = try outputs(model)
      #expect(outputs.map { String(cString: $0.name) } == ["classes", "map", "wide", "features"])
      #expect(outputs.map(\.kind) == [LVT_CLASSES, LVT_MAP, LVT_MAP, LVT_MAP])
      #expect(outputs.map(\.type) == [LVT_FLOAT32, LVT_INT8, LVT_INT16, LVT_FLOAT32])
      #expect(outputs.map(\.height) == [1, 3, 3, 1])
      #expect(outputs.map(\.width) == [1, 4, 4, 1])
      #expect(outputs.map(\.channels) == [5, 2, 2, 2])
      #expect(outputs.map(\.scale) == [1, 0.25, 2, 1])
      #expect(outputs.map(\.zero_point) == [0, 3, 0, 0])
      #expect(outputs.map(\.pitch) == [20, 16, 32, 8])
      #expect(outputs[0].values == UnsafeRawPointer(lvt_model_logits(model)))
    }
  }

  @Test func valuesAreWhatTheHandComputes() throws {
    let made = ResultPlan(classes: nil)
    try withModel(made) { model in
      let outputs = try outputs(model)
      try #require(outputs.count == 3)
      for position in 0..<12 {
        for channel in 0..<2 {
          let at = 2 * position + channel
          let narrow = outputs[0].values.load(
            fromByteOffset: position * outputs[0].pitch + channel, as: Int8.self)
          let wide = outputs[1].values.load(
            fromByteOffset: position * outputs[1].pitch + 2 * channel, as: Int16.self)
          #expect(Int(narrow) == made.map[at] && Int(wide) == made.wide[at])
        }
      }
      let features = outputs[2].values.assumingMemoryBound(to: Float.self)
      #expect([features[0], features[1]] == made.features)
    }
  }

  @Test func planOfFeaturesHasNoClasses() throws {
    try withModel(ResultPlan(classes: nil)) { model in
      #expect(lvt_model_class_count(model) == 0 && lvt_model_logits(model) == nil)
      #expect(lvt_model_label(model, 0) == nil)
      var candidate = lvt_candidate()
      #expect(lvt_model_top(model, &candidate, 1) == 0)
    }
  }

  @Test func resultsThatThereAreNotAreErrors() throws {
    try withModel(ResultPlan(classes: 5)) { model in
      #expect(lvt_model_output_count(model) == 4)
      for index: Int32 in [-1, 4, .min, .max] {
        var output = lvt_output()
        #expect(lvt_model_output(model, index, &output) == LVT_BAD_ARGUMENT)
        #expect(output.name == nil && output.values == nil)
      }
    }
  }
}
