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
  }
}
