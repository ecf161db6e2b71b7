// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport
import Testing

@testable import LVTPlanner

@Suite struct LabelSetTests {
  @Test(arguments: [
    (
      LabelSet.imageNet, 1000,
      [0: "tench", 207: "golden retriever", 281: "tabby", 999: "toilet tissue"]
    ),
    (.coco, 80, [0: "person", 2: "car", 9: "traffic light", 16: "dog", 79: "toothbrush"]),
    (.ade20k, 150, [0: "wall", 2: "sky", 12: "person", 149: "flag"]),
    (.cityscapes, 19, [0: "road", 11: "person", 13: "car", 18: "bicycle"]),
  ])
  func namesAreThoseOfThePublishedOrder(set: LabelSet, count: Int, known: [Int: String]) {
    #expect(set.names.count == count)
    for (index, name) in known { #expect(set.names[index] == name) }
    #expect(set.names.allSatisfy { LabelFile.isName($0) })
  }

  @Test func anArgumentIsASetOrAFile() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lvt-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(try LabelSet.labels("coco").labels.count == 80)
    #expect(try LabelSet.labels("coco").note == nil)
    let file = folder.appendingPathComponent("coco").path
    try Data("cat\ndog\n".utf8).write(to: URL(fileURLWithPath: file))
    // A path is a file's.
    #expect(try LabelSet.labels(file).labels == ["cat", "dog"])
    #expect {
      try LabelSet.labels("imagenet")
    } throws: {
      "\($0)"
        == "imagenet: expected a file of labels, or imagenet-1k, coco, ade20k, cityscapes, found neither"
    }
  }
}
