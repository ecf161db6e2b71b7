// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport
import Testing

/// Networks that classify, as `lvt-plan --evaluate` judges them.
extension CommandLineTests {
  @Test func classesOfFoldersAreEvaluated() throws {
    let demo = repository + "/tools/demo"
    let files = FileManager.default
    for (label, picture) in [
      ("Ankle boot", "ankle-boot-1"), ("Bag", "bag-1"), ("Trouser", "trouser-1"),
      ("Trouser", "trouser-2"),
    ] {
      let set = "\(folder)/set/\(label)"
      try files.createDirectory(atPath: set, withIntermediateDirectories: true)
      try files.copyItem(
        atPath: "\(demo)/pictures/\(picture).jpg", toPath: "\(set)/\(picture).jpg")
    }
    let outcome = try run(
      "lvt-plan",
      [
        demo + "/model.safetensors", "--calibrate", demo + "/calibration", "--input", "64",
        "--pictures", "2", "--residual", "int8", "--labels", demo + "/labels.txt",
        "--evaluate", folder + "/set", "-o", folder + "/x.lvt",
      ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    for line in [
      "evaluation.pictures: 4",
      "evaluation.float.top1: 100.00 %", "evaluation.int8.top1: 100.00 %",
      "evaluation.agreement: 100.00 %",
    ] {
      #expect(outcome.output.contains(line + "\n"), "\(outcome.output)")
    }

    // On the board, with the plan: the same answers.
    let onBoard = try run(
      "lvt-infer", [folder + "/x.lvt", "--evaluate", folder + "/set", "--json"])
    #expect(onBoard.code == 0, "\(onBoard.errors)")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(onBoard.output.utf8)) as? [String: Any])
    #expect(json["pictures"] as? Int == 4)
    #expect(json["top1"] as? Double == 1)
    #expect(json["top5"] as? Double == 1)
    let classes = try #require(json["classes"] as? [[String: Any]])
    #expect(classes.map { $0["label"] as? String } == ["Trouser", "Bag", "Ankle boot"])
    #expect(classes.map { $0["pictures"] as? Int } == [2, 1, 1])

    // A picture in the wrong place is wrong, one that cannot be read is said.
    try files.moveItem(
      atPath: "\(folder)/set/Bag/bag-1.jpg", toPath: "\(folder)/set/Trouser/bag-1.jpg")
    _ = try file("set/Bag/x.jpg", Array("no picture".utf8))
    let wrong = try run("lvt-infer", [folder + "/x.lvt", "--evaluate", folder + "/set"])
    #expect(
      wrong.code == 1 && wrong.errors.count == 1
        && wrong.errors[0].contains("x.jpg: text, expected a JPEG"))
    #expect(wrong.output.contains("top-1 75.00 %"), "\(wrong.output)")
    #expect(wrong.output.contains("of 4 pictures"))
  }

  @Test func foldersThatAreNoClassesAreRefused() throws {
    try FileManager.default.createDirectory(
      atPath: folder + "/set/gown", withIntermediateDirectories: true)
    let unknown = try run("lvt-infer", [plan, "--evaluate", folder + "/set"])
    #expect(unknown.code == 1)
    try FileManager.default.removeItem(atPath: folder + "/set/gown")
    let empty = try run("lvt-infer", [plan, "--evaluate", folder + "/set"])
    #expect(
      empty.errors == ["lvt-infer: \(folder)/set: expected folders of pictures, named by class"])
    let missing = try run("lvt-infer", [plan, "--evaluate", folder + "/none"])
    #expect(
      missing.errors == ["lvt-infer: \(folder)/none: cannot be read: No such file or directory"])
    let objects = try run(
      "lvt-infer", [fixtures + "/plan/tiny-detector.lvt", "--evaluate", folder + "/set"])
    #expect(objects.code == 1 && objects.errors[0].contains("--evaluate is of no use"))
  }
}
