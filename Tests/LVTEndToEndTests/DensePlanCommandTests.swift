// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTTestSupport
import Testing

/// Detectors and segmentation networks as `lvt-plan` compiles, runs and judges them.
extension CommandLineTests {
  private var networks: String { repository + "/tools/demo" }
  private var scene: String { networks + "/scenes/pictures/0000.jpg" }

  private func predict(_ name: String, _ arguments: [String]) throws -> Outcome {
    try run(
      "lvt-plan",
      ["predict", "\(networks)/\(name).safetensors", "--input", "192x160"] + arguments)
  }

  private func compile(_ name: String, _ arguments: [String]) throws -> Outcome {
    try run(
      "lvt-plan",
      [
        "\(networks)/\(name).safetensors", "--calibrate", networks + "/scenes-calibration",
        "--input", "192x160", "--pictures", "2", "--residual", "int8", "-o", folder + "/x.lvt",
      ] + arguments)
  }

  @Test func floatBoxesAndMasksAreShownAndDrawn() throws {
    let boxes = try predict("detector", [scene, "--json", "--draw", folder + "/boxes"])
    let found = try #require(try object(boxes.output[...])["boxes"] as? [[String: Any]])
    #expect(!found.isEmpty && found.allSatisfy { ($0["score"] as? Double ?? 0) >= 0.3 })
    let masks = try predict(
      "segmenter", [scene, "--json", "--draw", folder + "/drawn", "--masks", folder + "/masks"])
    let size = try #require(try object(masks.output[...])["size"] as? [Int])
    let labels = try [UInt8](Data(contentsOf: URL(filePath: folder + "/masks/0000.pgm")))
    let header = Array("P5\n\(size[1]) \(size[0])\n255\n".utf8)
    #expect(labels.starts(with: header) && labels.count == header.count + size[0] * size[1])
    for name in ["boxes", "drawn"] {
      let drawn = try [UInt8](Data(contentsOf: URL(filePath: "\(folder)/\(name)/0000.jpg")))
      #expect(drawn.starts(with: [0xFF, 0xD8]))
    }
  }

  @Test func rawMapsAreThoseInFrontOfTheResult() throws {
    func shapes(_ name: String) throws -> [String: [Int]] {
      let line = try predict(name, [scene, "--json", "--logits"]).output
      let outputs = try #require(try object(line[...])["outputs"] as? [[String: Any]])
      return outputs.reduce(into: [:]) { shapes, output in
        shapes[output["name"] as? String ?? ""] = ["height", "width", "channels"].compactMap {
          output[$0] as? Int
        }
      }
    }
    let detector = try shapes("detector")
    #expect(detector.count == 10)
    #expect(detector["classes0"] == [20, 24, 45] && detector["boxes4"] == [2, 2, 36])
    #expect(try shapes("segmenter") == ["logits": [40, 48, 6]])
  }

  @Test func objectsOfTheFloatNetworkHaveTheirPixels() throws {
    let outcome = try predict("instances", [scene, "--json", "--draw", folder + "/objects"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let found = try #require(try object(outcome.output[...])["boxes"] as? [[String: Any]])
    #expect(!found.isEmpty)
    for box in found {
      let segmentation = try #require(box["segmentation"] as? [String: Any])
      let size = try #require(segmentation["size"] as? [Int])
      let counts = try #require(segmentation["counts"] as? String)
      let runs = try RunLengths(packed: counts.utf8, pixels: size[0] * size[1])
      let sides = ["width", "height"].map { box[$0] as? Double ?? 0 }
      // An object fills its box, and little beside it.
      #expect(Double(runs.area) > 0.2 * sides[0] * sides[1])
      #expect(Double(runs.area) < 1.2 * sides[0] * sides[1])
    }
    let drawn = try [UInt8](Data(contentsOf: URL(filePath: folder + "/objects/0000.jpg")))
    #expect(drawn.starts(with: [0xFF, 0xD8]))
  }

  @Test func evaluationComparesFloatAndInt8() throws {
    let scenes = networks + "/scenes"
    for (name, truth, keys) in [
      ("detector", ["\(scenes)/coco.json"], ["mAP", "AP50"]),
      (
        "segmenter", ["\(scenes)/labels", "--evaluate-pictures", "\(scenes)/pictures"],
        ["mIoU", "pixels"]
      ), ("segmenter", [scenes], ["mIoU", "pixels"]),
      (
        "instances", ["\(scenes)/coco.json", "--fit", "letterbox"],
        ["mAP", "AP50", "mask.mAP", "mask.AP50"]
      ),
    ] {
      let outcome = try compile(name, ["--evaluate"] + truth)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("evaluation.pictures: 6\n"))
      for key in keys {
        for kind in ["float", "int8"] {
          let line = outcome.output.split(separator: "\n").first {
            $0.hasPrefix("evaluation.\(kind).\(key): ")
          }
          let share = line?.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
          #expect(share > 50, "\(kind) \(key): \(line ?? "none")")
        }
      }
    }
  }

  @Test func optionsOfOtherResultsAreRefused() throws {
    let detector = "DWNet with RetinaNet", segmenter = "DWNet with UPerNet"
    for (name, option, value, family) in [
      ("segmenter", "--threshold", "0.5", segmenter), ("detector", "--masks", folder, detector),
    ] {
      let outcome = try predict(name, [scene, option, value])
      #expect(outcome.code == 1 && outcome.output.isEmpty)
      #expect(outcome.errors.last == "lvt-plan: \(option) is of no use for a \(family)")
    }
    for (name, option, value) in [
      ("segmenter", "--nms-pre", "10"), ("segmenter", "--extra-levels", "on_output"),
      ("detector", "--pool-scales", "1,2"), ("detector", "--proposals", "10"),
      ("detector", "--proposal-overlap", "0.6"), ("detector", "--stage-stds", "1,1,1,1"),
      ("detector", "--region-scale", "28"), ("detector", "--region-samples", "2"),
      ("detector", "--mask-cells", "7"), ("instances", "--pool-scales", "1,2"),
    ] {
      let outcome = try predict(name, [scene, option, value])
      #expect(outcome.code == 1)
      #expect(outcome.errors.last?.contains("\(option) is of no use for a DWNet with") == true)
    }
    #expect(
      try predict("detector", [scene, "--top", "2"]).errors.last?.hasSuffix(
        "--top is of no use for a \(detector)") == true)
    #expect(
      try predict("detector", [scene, "--classes", "9"]).errors.last
        == "lvt-plan: --classes: expected names of the plan's classes or numbers below 5, found '9'"
    )
    let zero = try compile(
      "detector", ["--evaluate", networks + "/scenes/coco.json", "--reduce-zero-label"])
    #expect(zero.errors.last?.contains("--reduce-zero-label is of no use") == true)
  }

  @Test(arguments: [
    (["--box-stds", "1,1"], "--box-stds: expected 4 numbers"),
    (["--anchor-ratios", "0,1"], "--anchor-ratios: expected numbers above 0"),
    (["--anchor-strides", "8.5"], "--anchor-strides: expected whole numbers above 0"),
    (["--pool-scales", "65"], "--pool-scales: expected at most 64"),
    (["--least-score", "1"], "--least-score: expected a number between 0 and 1"),
    (["--nms-overlap", "2"], "--nms-overlap: expected a number from 0 to 1"),
    (["--max-boxes", "0"], "--max-boxes: expected a number from 1 to 16384"),
    (["--proposals", "0"], "--proposals: expected a number from 1 to 16384"),
    (["--proposals", "16385"], "--proposals: expected a number from 1 to 16384"),
    (["--proposal-overlap", "2"], "--proposal-overlap: expected a number from 0 to 1"),
    (["--stage-stds", "1,1,1,1,1"], "--stage-stds: expected four numbers for each stage"),
    (["--region-scale", "0"], "--region-scale: expected a number above 0, at most 65536"),
    (["--region-samples", "65"], "--region-samples: expected a number from 0 to 64"),
    (["--mask-cells", "0"], "--mask-cells: expected a number from 1 to 64"),
    (["--threshold", "2"], "--threshold: expected a number from 0 to 1"),
    (["--tensor", "x.npy", "--draw", "out"], "--draw, --masks: expected pictures"),
  ])
  func numbersOutOfRangeAreNamed(arguments: [String], words: String) throws {
    let pictures = arguments.contains("--tensor") ? [] : [scene]
    let outcome = try predict("detector", pictures + arguments)
    #expect(outcome.code == 64 && outcome.errors.first?.contains(words) == true)
  }

  @Test func truthThatCannotBeReadIsNamed() throws {
    let labels = try file("labels.txt", Array("a\nb\nc\nd\ne\n".utf8))
    let empty = folder + "/empty"
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    for (name, arguments, words) in [
      ("detector", ["--evaluate", empty], "expected --labels"),
      ("detector", ["--evaluate", empty, "--labels", labels], "empty: expected XML files"),
      (
        "segmenter", ["--evaluate", empty],
        "empty: a folder without .jpg, .jpeg, .ppm or .pgm files"
      ),
      (
        "segmenter", ["--evaluate", empty, "--evaluate-pictures", networks + "/pictures"],
        "empty: expected labels such as 'ankle-boot-1.png'"
      ),
    ] {
      let outcome = try compile(name, arguments)
      #expect(
        outcome.code == 1 && outcome.errors.last?.contains(words) == true, "\(outcome.errors)")
    }
    let alone = try compile("detector", ["--reduce-zero-label"])
    #expect(alone.code == 64 && alone.errors.first?.contains("expected --evaluate") == true)
  }
}
