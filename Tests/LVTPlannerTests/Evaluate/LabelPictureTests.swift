// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport
import Testing

@testable import LVTPlanner

@Suite struct LabelPictureTests {
  @Test(arguments: ["grey", "palette"], [1, 2, 4, 8])
  func valuesAreTheFilesWhateverTheColours(kind: String, bits: Int) throws {
    let values = (0..<91).map { i in
      let x = i % 13, y = i / 13
      return UInt8((x + 3 * y) % (1 << bits))
    }
    for ending in ["", "-interlaced"] {
      let map = try LabelPicture.read(path: file("\(kind)\(bits)\(ending)"))
      #expect(map.width == 13)
      #expect(map.height == 7)
      #expect(map.labels == values)
    }
  }

  @Test(arguments: [
    ("rgb", "RGB pixels"), ("rgba", "RGB pixels"), ("grey16", "samples of 16 bits"),
    ("grey-alpha", "grey pixels with transparency"),
  ])
  func otherPixelsAreRefused(name: String, found: String) {
    #expect(
      fault(name)
        == "\(file(name)): expected class indices: grey values or a palette's, of at most 8 bits, "
        + "found \(found)")
  }

  @Test func claimsOfManyPixelsAreRefused() {
    #expect(fault("wide")?.contains("a side of more than 16384 pixels") == true)
    #expect(fault("few-bytes")?.contains("too few bytes for a picture of its size") == true)
  }

  @Test func otherFilesAreRefused() {
    #expect(
      message { () throws(ImportError) in _ = try LabelPicture.read(path: fixtures) } != nil)
    let jpeg = FileBytes([0xFF, 0xD8, 0xFF, 0xE0], name: "j")
    #expect(
      message { () throws(ImportError) in _ = try LabelPicture.read(jpeg) }
        == "j: expected a PNG of class indices, found another beginning")
  }

  @Test(arguments: ["grey8", "palette4-interlaced"])
  func cutOffFilesAreRefused(name: String) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name))))
    expectErrorAtEveryLength(of: bytes) { file throws(ImportError) in
      _ = try LabelPicture.read(file)
    }
  }

  @Test(arguments: ["grey8", "palette4-interlaced", "palette8"])
  func damagedFilesDoNotCrash(name: String) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name))))
    expectNoCrash(mutating: bytes, rounds: 3000, seed: 5) { file throws(ImportError) in
      _ = try LabelPicture.read(file)
    }
  }

  private func file(_ name: String) -> String { fixtures + "/evaluate/labels/\(name).png" }

  private func fault(_ name: String) -> String? {
    message { () throws(ImportError) in _ = try LabelPicture.read(path: file(name)) }
  }
}

@Suite struct LabelFolderTests {
  private let folder = fixtures + "/evaluate/labels"

  @Test func labelsAreFoundByThePicturesName() throws {
    let labels = try LabelFolder(
      path: folder + "/", pictures: ["/a/grey8.jpg", "a.b/none.jpg", "rgb.x.jpg", "palette1"])
    #expect(
      labels.pairs == [
        .init(picture: "/a/grey8.jpg", labels: folder + "/grey8.png"),
        .init(picture: "palette1", labels: folder + "/palette1.png"),
      ])
    #expect(labels.missing == ["a.b/none.jpg", "rgb.x.jpg"])
  }

  @Test func folderWithoutAnyLabelsIsRefused() {
    #expect(
      fault(folder, ["x/none.jpg"])
        == "\(folder): expected labels such as 'none.png', found none of them")
    #expect(
      fault("/nowhere", ["a.jpg"])
        == "/nowhere: cannot be read: expected a folder of label PNGs")
  }

  @Test func twoPicturesWithOneNameAreRefused() {
    #expect(fault(folder, ["a/rgb.jpg", "b/rgb.jpg"])?.hasSuffix("'b/rgb.jpg' among them") == true)
  }

  private func fault(_ path: String, _ pictures: [String]) -> String? {
    message { () throws(ImportError) in _ = try LabelFolder(path: path, pictures: pictures) }
  }
}
