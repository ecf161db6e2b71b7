// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import Testing

@testable import LVTPlanner

@Suite struct VOCFolderTests {
  @Test func cornersAreTakenAsTheyAre() throws {
    let picture = try read(object("dog", 1, 2, 5, 8.5) + object("cat", 0, 0, 10, 9, difficult: 1))
    #expect(
      picture
        == .init(
          path: "pictures/a.jpg", width: 20, height: 10,
          objects: [
            TrueObject(classIndex: 1, box: Box(x: 1, y: 2, width: 4, height: 6.5)),
            TrueObject(
              classIndex: 0, box: Box(x: 0, y: 0, width: 10, height: 9), kind: .difficult),
          ]))
  }

  @Test func partsOfObjectsAreNoObjects() throws {
    let part = """
      <part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax>
      </bndbox></part>
      """
    let picture = try read(object("dog", 1, 2, 5, 8, more: part))
    #expect(picture.objects.map(\.box) == [Box(x: 1, y: 2, width: 4, height: 6)])
  }

  @Test func boxesThatAreNotAsTheyShouldBeAreCounted() throws {
    var classes = ClassNames(["dog"])
    var faults = BoxFaults()
    let objects =
      object("dog", 5, 5, 5, 8) + object("dog", 5, 5, 1, 8) + object("dog", 5, 5, .infinity, 8)
      + object("dog", .nan, 5, 5, 8) + object("dog", 20, 0, 25, 5) + object("dog", 0, 0, 22, 5)
    let picture = try VOCFile.read(
      file(Array(annotation(objects).utf8)), folder: ".", classes: &classes, faults: &faults)
    #expect(faults.empty == 4)
    #expect(faults.outside == 1)
    #expect(faults.overhanging == 1)
    #expect(picture.objects.count == 1)
  }

  @Test(arguments: [
    ("<object><bndbox/></object>", "a name in each object, found one without"),
    ("<object><name>dog</name></object>", "'bndbox/xmin' in each object, found one without"),
    (
      "<object><name>dog</name><bndbox><xmin>1px</xmin></bndbox></object>",
      "a number in 'bndbox/xmin', found '1px'"
    ),
    ("<object><name>a</name><name>b</name></object>", "found 'name' twice"),
    ("<filename>b.jpg</filename>", "found 'filename' twice"),
    (String(repeating: "<a>", count: 100), "the depth of elements is over the limit of 20"),
    ("<object>", "expected the end of 'object', found 'annotation>'"),
  ])
  func faultyObjectsAreRefused(objects: String, expected: String) {
    #expect(fault(annotation(objects))?.contains(expected) == true)
  }

  @Test func otherContentsAreRefused() {
    for text in ["", "x", "<html></html>", "<annotation></annotation>", "<a", "\u{0}"] {
      #expect(fault(text) != nil)
    }
    let leading = "<annotation><filename>../a.jpg</filename></annotation>"
    #expect(fault(leading)?.contains("found '../a.jpg'") == true)
  }

  @Test func damagedFilesDoNotCrash() {
    let bytes = Array(annotation(object("dog", 1, 2, 5, 8)).utf8)
    expectNoCrash(mutating: bytes, rounds: 3000, seed: 3) { file throws(ImportError) in
      var classes = ClassNames(["dog"])
      var faults = BoxFaults()
      _ = try VOCFile.read(file, folder: ".", classes: &classes, faults: &faults)
    }
  }

  @Test func bothLayoutsAreRead() throws {
    try withFolder { root in
      try write(annotation(object("dog", 1, 2, 5, 8)), root + "/b.xml")
      #expect(try VOCFolder.read(path: root, labels: ["dog"]).pictures[0].path == root + "/a.jpg")
      for name in ["Annotations", "JPEGImages"] {
        try FileManager.default.createDirectory(
          atPath: root + "/" + name, withIntermediateDirectories: false)
      }
      for name in ["2", "1"] {
        try write(
          annotation(object("dog", 1, 2, 5, 8), file: name + ".jpg"),
          root + "/Annotations/\(name).xml")
      }
      let truth = try VOCFolder.read(path: root, labels: ["dog"])
      #expect(truth.pictures.map(\.path) == ["1", "2"].map { root + "/JPEGImages/\($0).jpg" })
      #expect(truth.classes == ["dog"])
      #expect(
        try VOCFolder.read(path: root, labels: ["dog"], folder: "/p").pictures[0].path
          == "/p/1.jpg")
    }
  }

  @Test func folderOfOtherClassesOrOfNoneIsRefused() throws {
    try withFolder { root in
      func fault() -> String? {
        message { () throws(ImportError) in
          _ = try VOCFolder.read(path: root, labels: ["cat"])
        }
      }
      #expect(
        fault() == "\(root): expected XML files, or a folder Annotations of them, found none")
      try write(annotation(object("dog", 1, 2, 5, 8)), root + "/b.xml")
      #expect(
        fault()
          == "\(root): expected objects of the network's classes 'cat', found ones of 'dog'")
      try write(annotation(""), root + "/a.xml")
      #expect(fault()?.contains("expected a picture that no other file describes") == true)
    }
    #expect(
      message { () throws(ImportError) in _ = try VOCFolder.read(path: "/nowhere", labels: []) }
        == "/nowhere: cannot be read: expected a folder of XML files")
  }

  private func read(_ objects: String) throws(ImportError) -> DetectionTruth.Picture {
    var classes = ClassNames(["cat", "dog"])
    var faults = BoxFaults()
    return try VOCFile.read(
      file(Array(annotation(objects).utf8)), folder: "pictures", classes: &classes,
      faults: &faults)
  }

  private func fault(_ text: String) -> String? {
    message { () throws(ImportError) in
      var classes = ClassNames(["cat", "dog"])
      var faults = BoxFaults()
      _ = try VOCFile.read(
        file(Array(text.utf8)), folder: "pictures", classes: &classes, faults: &faults)
    }
  }

  private func annotation(_ objects: String, file: String = "a.jpg") -> String {
    """
    <?xml version="1.0"?>
    <annotation verified="yes">
      <filename> \(file)
      </filename>
      <size><width>20</width><height>10</height><depth>3</depth></size>
      \(objects)
    </annotation>
    """
  }

  private func object(
    _ name: String, _ xmin: Double, _ ymin: Double, _ xmax: Double, _ ymax: Double,
    difficult: Int = 0, more: String = ""
  ) -> String {
    """
    <object>\(more)<name>\(name)</name><difficult>\(difficult)</difficult>
      <bndbox><xmin>\(xmin)</xmin><ymin>\(ymin)</ymin><xmax>\(xmax)</xmax><ymax>\(ymax)</ymax>
      </bndbox></object>
    """
  }

  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/lvt-voc-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }
}
