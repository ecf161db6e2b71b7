// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTCapture
import LVTTestSupport
import Testing

/// Detectors and segmentation networks as a user runs them.
extension CommandLineTests {
  private var detector: String { fixtures + "/plan/tiny-detector.lvt" }
  private var segmenter: String { fixtures + "/plan/tiny-segmenter.lvt" }
  private var rcnn: String { fixtures + "/plan/tiny-rcnn.lvt" }

  private func withPicture<R>(_ body: (ImageView) throws -> R) throws -> R {
    try PictureDecoder().read(path: picture).withView(body)
  }

  private func boxes(_ line: Substring) throws -> [[String: Any]] {
    try #require(try object(line)["boxes"] as? [[String: Any]])
  }

  private func expectRefusal(_ outcome: Outcome, _ line: String) {
    #expect(outcome.code == 1 && outcome.output.isEmpty && outcome.errors == ["lvt-infer: " + line])
  }

  // MARK: Objects

  @Test func objectsAreShownFromAThresholdOn() throws {
    let all = try withPicture {
      try Detector(engine: Engine(plan: Plan(path: detector))).detect($0)
    }
    let middle = all[all.count / 2].score
    for (arguments, least) in [
      ([], 0.3), (["--threshold", "0"], 0), (["--threshold", "1"], 1),
      (
        ["--threshold", String(format: "%.6f", middle)], Float(String(format: "%.6f", middle)) ?? 0
      ),
    ] as [([String], Float)] {
      let expected = all.filter { $0.score >= least }
      let json = try run("lvt-infer", [detector, picture, "--json"] + arguments)
      #expect(json.code == 0 && json.errors.isEmpty)
      let found = try boxes(json.output[...])
      #expect(found.count == expected.count)
      for (box, known) in zip(found, expected) {
        #expect(box["class"] as? Int == known.classIndex)
        #expect(box["label"] as? String == ["cat", "dog", "cow"][known.classIndex])
        for (key, value) in [
          ("score", known.score), ("x", known.box.x), ("y", known.box.y),
          ("width", known.box.width), ("height", known.box.height),
        ] { #expect((box[key] as? Double).map { Float($0) } == value, "\(key)") }
      }
      let text = try run("lvt-infer", [detector, picture] + arguments)
      #expect(text.code == 0 && text.output.hasPrefix(picture + ": "))
      #expect(text.output.contains(Detection.text(of: expected, labels: ["cat", "dog", "cow"])))
    }
  }

  @Test func classesAreChosenByNameOrIndex() throws {
    func classes(_ plan: String, _ list: String, _ key: String) throws -> Set<Int> {
      let arguments = [plan, picture, "--json", "--classes", list]
      let line = try run(
        "lvt-infer", arguments + (plan == detector ? ["--threshold", "0"] : [])
      ).output
      let entries = try #require(try object(line[...])[key] as? [[String: Any]])
      return Set(entries.compactMap { $0["class"] as? Int })
    }
    for (plan, key) in [(detector, "boxes"), (segmenter, "classes")] {
      let all = try classes(plan, "cat,dog,cow", key)
      #expect(all.count > 1)
      #expect(try classes(plan, "0,1,2", key) == all && classes(plan, "2,cat,1", key) == all)
      #expect(try classes(plan, "dog", key) == all.intersection([1]))
      #expect(try classes(plan, "dog,0", key) == all.intersection([0, 1]))
      for (list, name) in [
        ("dog,horse", "horse"), ("3", "3"), ("", ""), ("dog,", ""), ("-1", "-1"),
      ] {
        expectRefusal(
          try run("lvt-infer", [plan, picture, "--classes", list]),
          "\(plan): --classes: expected names of the plan's classes or numbers below 3, found '\(name)'"
        )
      }
    }
  }

  @Test func objectsHaveTheirPixelsAsRunLengths() throws {
    let detector = try Detector(engine: Engine(plan: Plan(path: rcnn)))
    let (objects, masks) = try withPicture { (try detector.detect($0), detector.masks) }
    let found = try boxes(
      run("lvt-infer", [rcnn, picture, "--json", "--threshold", "0"]).output[...])
    #expect(found.count == objects.count && found.count > 2)
    for (box, runs) in zip(found, masks.runs) {
      let segmentation = try #require(box["segmentation"] as? [String: Any])
      #expect(segmentation["size"] as? [Int] == [masks.height, masks.width])
      let counts = try #require(segmentation["counts"] as? String)
      #expect(try RunLengths(packed: counts.utf8, pixels: masks.width * masks.height) == runs)
    }
    let plain = try boxes(run("lvt-infer", [self.detector, picture, "--json"]).output[...])
    #expect(!plain.isEmpty && plain.allSatisfy { $0["segmentation"] == nil })
  }

  // MARK: Pixels

  @Test func labelMapsBecomeLinesAndFiles() throws {
    let map = try withPicture {
      try Segmenter(engine: Engine(plan: Plan(path: segmenter))).segment($0)
    }
    let labels = ["cat", "dog", "cow"], masks = folder + "/masks"
    let name = try #require(picture.split(separator: "/").last?.split(separator: ".").first)
    let text = try run("lvt-infer", [segmenter, picture, "--masks", masks])
    #expect(text.code == 0 && text.errors.isEmpty)
    #expect(
      text.output.hasPrefix(picture + ": " + map.text(labels: labels, filter: ResultFilter())))
    let json = try run("lvt-infer", [segmenter, picture, "--json"])
    #expect(json.output.contains(map.json(labels: labels, filter: ResultFilter())))
    #expect(try object(json.output[...])["size"] as? [Int] == [map.height, map.width])
    let file = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(masks)/\(name).pgm")))
    #expect(file == Array("P5\n\(map.width) \(map.height)\n255\n".utf8) + map.labels)
  }

  // MARK: Drawings

  @Test func drawingsHaveThePicturesSizeAndName() throws {
    let size = try withPicture { ($0.width, $0.height) }
    let name = try #require(picture.split(separator: "/").last?.split(separator: ".").first)
    for plan in [detector, segmenter, rcnn] {
      let drawn = folder + "/drawn"
      let least = plan == rcnn ? ["--threshold", "0"] : []
      let outcome = try run("lvt-infer", [plan, picture, "--draw", drawn] + least)
      #expect(outcome.code == 0 && outcome.errors.isEmpty)
      let image = try PictureDecoder().read(path: "\(drawn)/\(name).jpg")
      #expect(image.width == size.0 && image.height == size.1)
      // The line is the one without a drawing: what is drawn comes after the run.
      let plain = try run("lvt-infer", [plan, picture] + least)
      func found(_ outcome: Outcome) -> Substring { outcome.output.prefix { $0 != "(" } }
      #expect(found(outcome) == found(plain))
    }
  }

  @Test func fileThatCannotBeWrittenIsReported() throws {
    expectRefusal(
      try run("lvt-infer", [detector, picture, "--draw", demo + "/pictures"]),
      "\(demo)/pictures: holds pictures that are read; expected another folder to write")
    expectRefusal(
      try run("lvt-infer", [segmenter, picture, "--masks", folder + "/none/masks"]),
      "\(folder)/none/masks: cannot be written: No such file or directory")
    let copy = folder + "/a/" + (picture.split(separator: "/").last ?? "")
    try FileManager.default.createDirectory(
      atPath: folder + "/a", withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: picture, toPath: copy)
    let twice = try run("lvt-infer", [detector, picture, copy, "--draw", folder + "/out"])
    #expect(twice.code == 1 && twice.output.split(separator: "\n").count == 2)
    #expect(
      twice.errors == [
        "lvt-infer: \(copy): its output would replace that of \(picture); "
          + "expected pictures of different names"
      ])
  }

  // MARK: Streams

  @Test(arguments: ["tiny-detector", "tiny-segmenter", "tiny-rcnn"])
  func streamsGiveALineAndFilesForEachFrame(name: String) throws {
    let plan = fixtures + "/plan/\(name).lvt",
      member = name == "tiny-segmenter" ? "classes" : "boxes"
    let jpeg = try [UInt8](Data(contentsOf: URL(fileURLWithPath: picture)))
    let least = name == "tiny-rcnn" ? ["--threshold", "0"] : []
    let still = try object(run("lvt-infer", [plan, picture, "--json"] + least).output[...])
    let expected = try #require(still[member] as? [NSDictionary])
    #expect(!expected.isEmpty)
    let stream = try run(
      "lvt-infer", [plan, "-", "--all-frames", "--draw", folder + "/out"] + least,
      input: jpeg + jpeg)
    #expect(stream.code == 0)
    let lines = stream.output.split(separator: "\n")
    #expect(lines.count == 2)
    for line in lines {
      #expect(try object(line)[member] as? [NSDictionary] == expected)
      #expect(try object(line)["inference_ms"] is Double)
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder + "/out").sorted()
        == ["frame-000000.jpg", "frame-000001.jpg"])
    // Frames that are no JPEGs are drawn over too.
    let raw = [UInt8](repeating: 90, count: 64 * 48 * 3 / 2)
    let planes = try run(
      "lvt-infer", [plan, "--yuv420", "64x48", "-", "--draw", folder + "/raw"], input: raw)
    #expect(planes.code == 0)
    let image = try PictureDecoder().read(path: folder + "/raw/frame-000000.jpg")
    #expect(image.width == 64 && image.height == 48)
  }

  @Test func streamEndsWhereAFileCannotBeWritten() throws {
    let jpeg = try [UInt8](Data(contentsOf: URL(fileURLWithPath: picture)))
    try FileManager.default.createDirectory(
      atPath: folder + "/out/frame-000000.pgm", withIntermediateDirectories: true)
    let outcome = try run(
      "lvt-infer", [segmenter, "-", "--all-frames", "--masks", folder + "/out"], input: jpeg + jpeg)
    #expect(outcome.code == 1 && outcome.output.split(separator: "\n").count == 1)
    #expect(
      outcome.errors == [
        "lvt-infer: \(folder)/out/frame-000000.pgm: cannot be written: Is a directory",
        "lvt-infer: 1 frames, 0 dropped, 0 damaged",
      ])
  }

  // MARK: Options

  @Test(arguments: [
    ["--bench", "3"], ["--bench", "3", "--json"], ["--verify"], ["--profile"],
  ])
  func detectorsAndSegmentersReportOnThemselves(arguments: [String]) throws {
    for plan in [detector, segmenter, rcnn] {
      let outcome = try run("lvt-infer", [plan] + arguments)
      #expect(outcome.code == 0 && outcome.errors.isEmpty && !outcome.output.isEmpty)
    }
  }

  @Test func optionsOfOtherPlansAreRefused() throws {
    for (path, words, useless) in [
      (plan, "classifies pictures", ["--threshold 0.5", "--classes 1", "--draw x", "--masks x"]),
      (detector, "finds objects", ["--top 2", "--json --logits", "--masks x"]),
      (rcnn, "finds objects", ["--masks x"]),
      (segmenter, "classifies pixels", ["--top 2", "--json --logits", "--threshold 0.5"]),
    ] {
      for options in useless {
        let arguments = options.split(separator: " ").map(String.init)
        let option = arguments.first { $0 != "--json" } ?? ""
        expectRefusal(
          try run("lvt-infer", [path, picture] + arguments),
          "\(path): \(option) is of no use for a plan that \(words)")
      }
    }
  }

  @Test(arguments: [
    ["p", "a.jpg", "--threshold"], ["p", "a.jpg", "--threshold", "1.1"],
    ["p", "a.jpg", "--threshold", "-0.1"], ["p", "a.jpg", "--threshold", "0.1234567"],
    ["p", "a.jpg", "--threshold", ".5"], ["p", "a.jpg", "--threshold", "0."],
    ["p", "a.jpg", "--threshold", "1e-1"], ["p", "a.jpg", "--threshold", "0.3.1"],
    ["p", "a.jpg", "--threshold", "99999999999999999999"], ["p", "a.jpg", "--classes"],
    ["p", "a.jpg", "--draw"], ["p", "a.jpg", "--masks"], ["p", "--verify", "--draw", "x"],
    ["p", "--bench", "--threshold", "0.5"], ["p", "--profile", "--classes", "1"],
    ["p", "--bench", "--masks", "x"],
  ])
  func wrongUsageOfResultsIs64(arguments: [String]) throws {
    let outcome = try run("lvt-infer", arguments)
    #expect(outcome.code == 64)
    #expect(outcome.output.isEmpty && outcome.errors.count == 2)
  }
}
