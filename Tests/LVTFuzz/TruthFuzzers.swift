// SPDX-License-Identifier: Apache-2.0
import LVT
import LVTTestSupport

@testable import LVTPlanner

extension Fuzzer {
  /// The input is a JSON file as COCO has them.
  static let coco = Fuzzer(
    name: "coco", summary: "ground truth of detectors in COCO's JSON", longest: 8192,
    seeds: {
      try ["boxes", "many-boxes"].map {
        Array(try repositoryFile("Tests/Fixtures/evaluate/cases/\($0)/truth.json").prefix(8192))
      } + [
        Array(
          """
          {"images":[{"id":1,"file_name":"a.jpg","width":12,"height":4}],"categories":[{"id":3,"name":\
          "cat"}],"annotations":[{"image_id":1,"category_id":3,"bbox":[1,1,8,2],"segmentation":[[1,1,9.5,\
          1,3,3.25],[0,0,2,2,2,0]]},{"image_id":1,"category_id":3,"bbox":[1,1,2,2],"segmentation":{"size":\
          [4,12],"counts":[5,3,0,2,38]}},{"image_id":1,"category_id":3,"bbox":[1,1,2,2],"iscrowd":1,\
          "segmentation":{"size":[4,12],"counts":"5Kg1"}}]}
          """.utf8),
        Array(
          """
          {"images":[{"id":7,"file_name":"a/b.jpg","width":32,"height":24}],"categories":[{"id":3,\
          "name":"cat"}],"annotations":[{"id":1,"image_id":7,"category_id":3,"bbox":[1,2.5,8,9],\
          "iscrowd":0},{"image_id":7,"category_id":3,"bbox":[0,0,32,24],"iscrowd":true}]}
          """.utf8),
      ]
    },
    run: { input in
      for (labels, masks) in [(nil, true), (["cat", "dog"], false)] {
        try orOneLine { () throws(ImportError) in
          let truth = try COCOFile.read(
            FileBytes(input, name: "input"), labels: labels, folder: "folder", masks: masks)
          return truth.pictures.allSatisfy {
            $0.isSound(classes: truth.classes.count, masks: masks)
          }
        }
      }
    })

  /// The input is an XML file as Pascal VOC has them.
  static let voc = Fuzzer(
    name: "voc", summary: "ground truth of detectors in VOC's XML", longest: 4096,
    seeds: {
      [
        """
        <?xml version="1.0"?><!-- a --><annotation><filename>a.jpg</filename><size><width>32</width>\
        <height>24</height></size><object><name>cat</name><difficult>1</difficult><bndbox><xmin>1</xmin>\
        <ymin>2</ymin><xmax>9.5</xmax><ymax>11</ymax></bndbox></object></annotation>
        """,
        """
        <!DOCTYPE annotation><annotation verified="yes"><folder/><filename><![CDATA[b.jpg]]></filename>\
        <object><name>d&#111;g</name><bndbox><xmin>-1e3</xmin><ymin>&#x30;</ymin><xmax>2</xmax>\
        <ymax>3</ymax></bndbox></object></annotation>
        """,
      ].map { Array($0.utf8) }
    },
    run: { input in
      try orOneLine { () throws(ImportError) in
        var classes = ClassNames(["cat", "dog"]), faults = BoxFaults()
        let picture = try VOCFile.read(
          FileBytes(input, name: "input"), folder: "folder", classes: &classes, faults: &faults)
        return picture.isSound(classes: 2, masks: false)
      }
    })

  /// The input is a PNG of class indices, whose checksums are mended: libpng reads no chunk without.
  static let labelPictures = Fuzzer(
    name: "label-pictures", summary: "label PNGs, interlaced and with palettes", longest: 8192,
    seeds: { try repositoryFiles(in: "Tests/Fixtures/evaluate/labels", endingIn: [".png"]) },
    run: { input in
      let bytes = withRightChecksums(Array(input))
      try orOneLine { () throws(ImportError) in
        let file = FileBytes(bytes, name: "input")
        let map = try LabelPicture.read(file), again = try LabelPicture.read(file)
        return map.labels.count == map.width * map.height && again.labels == map.labels
      }
    })

  /// A PNG whose chunks, as far as they lie in the file, have the checksums of what they hold.
  static func withRightChecksums(_ png: [UInt8]) -> [UInt8] {
    var png = png, start = 8
    while start + 12 <= png.count {
      let length = png[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
      let end = start + 8 + length
      guard end + 4 <= png.count else { break }
      let checksum = png[start + 4..<end].reduce(UInt32.max) { sum, byte in
        (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in
          sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0)
        }
      }
      for i in 0..<4 { png[end + i] = UInt8(truncatingIfNeeded: ~checksum >> (24 - 8 * i)) }
      start = end + 4
    }
    return png
  }

  /// Runs a reader, whose answer must be sound or whose error must be one line.
  private static func orOneLine(_ isSound: () throws(ImportError) -> Bool) throws {
    let isWell: Bool
    do throws(ImportError) { isWell = try isSound() } catch {
      guard !error.description.contains(where: \.isNewline) else {
        throw Finding(description: "an error of several lines: \(error.description)")
      }
      return
    }
    guard isWell else { throw Finding(description: "an answer that is not sound") }
  }
}

extension DetectionTruth.Picture {
  /// Whether its objects have a class and a place, and a mask of its size if they have any.
  fileprivate func isSound(classes: Int, masks: Bool) -> Bool {
    path.hasPrefix("folder/") && (width ?? 1) > 0 && (height ?? 1) > 0
      && objects.allSatisfy { object in
        let box = object.box
        let isMasked =
          masks ? object.mask?.pixels == (width ?? 0) * (height ?? 0) : object.mask == nil
        return isMasked && (0..<classes).contains(object.classIndex) && box.width > 0
          && box.height > 0
          && (box.x + box.width).isFinite && (box.y + box.height).isFinite
      }
  }
}
