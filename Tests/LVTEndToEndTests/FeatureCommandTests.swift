// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTPlanner
import LVTTestSupport
import Testing

/// Networks whose results are features, as a user compiles and runs them.
extension CommandLineTests {
  private static let edge = 32

  /// A tiny Swin's checkpoint as a safetensors file.
  private func checkpoint(hasHead: Bool) throws -> String {
    var tiny = TinyNetwork.swin
    tiny.input = Self.edge
    tiny.hasHead = hasHead
    var entries: [String] = [], data: [UInt8] = []
    for (name, tensor) in tiny.checkpoint().tensors.sorted(by: { $0.key < $1.key }) {
      let start = data.count
      for value in tensor.values {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { data += Array($0) }
      }
      entries.append(
        "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),"
          + "\"data_offsets\":[\(start),\(data.count)]}")
    }
    let header = Array("{\(entries.joined(separator: ","))}".utf8)
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
    return try file(hasHead ? "whole.safetensors" : "bare.safetensors", length + header + data)
  }

  private func compile(_ checkpoint: String, _ arguments: [String] = []) throws -> Outcome {
    try run(
      "lvt-plan",
      [
        checkpoint, "--calibrate", demo + "/calibration", "--pictures", "4", "--input",
        "\(Self.edge)", "-o", folder + "/out.lvt",
      ] + arguments)
  }

  private func outputs(_ line: Substring) throws -> [[String: Any]] {
    try #require(try object(line)["outputs"] as? [[String: Any]])
  }

  private func values(_ line: Substring) throws -> [[Double]] {
    try outputs(line).map { try #require($0["values"] as? [Double]) }
  }

  /// Σ expected² / Σ (expected − found)² in decibels.
  private func decibels(_ expected: [Double], _ found: [Double]) -> Double {
    let noise = zip(expected, found).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return 10 * log10(expected.reduce(0) { $0 + $1 * $1 } / noise)
  }

  @Test func checkpointWithoutAHeadGivesAnEmbedding() throws {
    let bare = try checkpoint(hasHead: false), plan = folder + "/out.lvt"
    let compiled = try compile(bare)
    #expect(compiled.code == 0, "\(compiled.errors)")
    #expect(compiled.output.contains("results   embedding 1×1×16 float32\n"))
    for part in ["classes", "same class", "agreement"] { #expect(!compiled.output.contains(part)) }
    let inspect = try run("lvt-plan", ["inspect", plan])
    #expect(inspect.code == 0 && inspect.output.contains("results   embedding 1×1×16 float32\n"))

    let text = try run("lvt-infer", [plan, picture])
    let line = try #require(text.output.split(separator: "\n").first)
    #expect(text.code == 0 && text.errors.isEmpty)
    #expect(line.hasPrefix(picture + "  embedding 1×1×16: ") && line.hasSuffix(" …"))
    #expect(line.dropFirst(picture.count + 2).count < 60)
    let json = try run("lvt-infer", [plan, picture, "--json"]).output[...]
    let output = try #require(try outputs(json).first)
    #expect(output["name"] as? String == "embedding" && output["type"] as? String == "float32")
    #expect(["height", "width", "channels"].map { output[$0] as? Int } == [1, 1, 16])
    #expect(output["scale"] == nil && output["zeroPoint"] == nil)
    #expect(try object(json)["milliseconds"] is Double && object(json)["top"] == nil)

    let predict = ["predict", bare, picture, "--input", "\(Self.edge)"]
    let float = try run("lvt-plan", predict + ["--json"])
    #expect(float.code == 0)
    let expected = try values(float.output[...]), found = try values(json)
    #expect(expected.map { $0.count } == [16] && decibels(expected[0], found[0]) > 20)
    #expect(
      try run("lvt-plan", predict).output.hasPrefix(picture + "  embedding 1×1×16: "))
  }

  @Test func featuresAreMapsOfTheStages() throws {
    let whole = try checkpoint(hasHead: true), plan = folder + "/out.lvt"
    let compiled = try compile(whole, ["--features", "--residual", "int8"])
    #expect(compiled.code == 0, "\(compiled.errors)")
    let results = "stage0 16×16×8 int8, stage1 8×8×16 int8"
    for part in [
      "results   \(results)\n", "calibration.sqnr.stage0: ", "calibration.sqnr.stage1: ",
    ] {
      #expect(compiled.output.contains(part), "\(part)")
    }
    let text = try run("lvt-infer", [plan, picture])
    #expect(text.code == 0 && text.output == picture + "  stage0 16×16×8, stage1 8×8×16\n")
    let json = try run("lvt-infer", [plan, picture, "--json"]).output[...]
    for output in try outputs(json) {
      #expect(output["type"] as? String == "int8")
      #expect((output["scale"] as? Double ?? 0) > 0 && output["zeroPoint"] is Int)
    }
    let predict = ["predict", whole, picture, "--features", "--input", "\(Self.edge)"]
    let float = try run("lvt-plan", predict + ["--json"])
    let expected = try values(float.output[...]), found = try values(json)
    #expect(expected.map { $0.count } == [16 * 16 * 8, 8 * 8 * 16])
    for (a, b) in zip(expected, found) {
      #expect(a.count == b.count && decibels(a, b) > 20, "\(decibels(a, b))")
    }
    #expect(try run("lvt-plan", predict).output == text.output)
  }

  @Test func streamsGiveFeaturesToo() throws {
    let plan = folder + "/out.lvt"
    #expect(try compile(checkpoint(hasHead: false)).code == 0)
    let jpeg = try [UInt8](Data(contentsOf: URL(fileURLWithPath: picture)))
    let expected = try values(run("lvt-infer", [plan, picture, "--json"]).output[...])
    let stream = try run("lvt-infer", [plan, "-", "--all-frames"], input: jpeg + jpeg)
    #expect(stream.code == 0)
    let lines = stream.output.split(separator: "\n")
    #expect(lines.count == 2)
    for line in lines {
      #expect(try values(line) == expected)
      #expect(try object(line)["inference_ms"] is Double)
    }
  }

  @Test(arguments: [["--bench", "3"], ["--bench", "3", "--json"], ["--verify"], ["--profile"]])
  func plansWithoutClassesReportOnThemselves(arguments: [String]) throws {
    #expect(try compile(checkpoint(hasHead: true), ["--features"]).code == 0)
    let outcome = try run("lvt-infer", [folder + "/out.lvt"] + arguments)
    #expect(outcome.code == 0 && outcome.errors.isEmpty && !outcome.output.isEmpty)
  }

  @Test func optionsOfClassesAreRefusedWithoutClasses() throws {
    let whole = try checkpoint(hasHead: true), bare = try checkpoint(hasHead: false)
    let labels = try file("labels.txt", Array("a\nb\n".utf8)), plan = folder + "/out.lvt"
    func expectLine(_ outcome: Outcome, _ line: String) {
      #expect(outcome.code == 1 && outcome.output.isEmpty && outcome.errors == [line])
    }
    for (option, value) in [("--labels", labels), ("--evaluate", demo), ("--global-pool", "max")] {
      expectLine(
        try compile(whole, ["--features", option, value]),
        "lvt-plan: \(whole): \(option) is of no use for a Swin with --features")
    }
    for (option, value) in [("--labels", labels), ("--evaluate", demo)] {
      expectLine(
        try compile(bare, [option, value]),
        "lvt-plan: \(bare): \(option) is of no use for a Swin without classes")
    }
    #expect(try compile(bare, ["--global-pool", "max"]).code == 0)
    for options in [["--top", "2"], ["--json", "--logits"]] {
      let option = options.first { $0 != "--json" } ?? ""
      expectLine(
        try run("lvt-infer", [plan, picture] + options),
        "lvt-infer: \(plan): \(option) is of no use for a plan without classes")
      expectLine(
        try run("lvt-plan", ["predict", bare, picture, "--input", "\(Self.edge)"] + options),
        "lvt-plan: \(bare): \(option) is of no use for a network without classes")
    }
    let none = try run("lvt-plan", ["inspect", plan, "--labels"])
    #expect(none.code == 0 && none.output.isEmpty)
  }
}
