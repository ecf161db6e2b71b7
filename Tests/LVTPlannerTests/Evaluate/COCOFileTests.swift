// SPDX-License-Identifier: Apache-2.0
import LVT
import Testing

@testable import LVTPlanner

@Suite struct COCOFileTests {
  @Test func idsNeedNeitherOrderNorBeContiguous() throws {
    let truth = try read(
      images: """
        {"id": 9, "file_name": "b.jpg"}, {"id": 4, "file_name": "in/a.jpg", "width": 8, "height": 6}
        """,
      annotations: """
        {"id": 1, "image_id": 9, "category_id": 30, "bbox": [1, 2, 3, 4.5], "iscrowd": 1},
        {"id": 2, "image_id": 4, "category_id": 7, "bbox": [0, 0, 1, 1], "iscrowd": 0},
        {"image_id": 9, "category_id": 7, "bbox": [5, 5, 1, 1], "iscrowd": false, "area": 3}
        """, categories: #"{"id": 30, "name": "cat"}, {"id": 7, "name": "dog"}"#)
    #expect(truth.classes == ["dog", "cat"])
    #expect(
      truth.pictures == [
        .init(path: "pictures/in/a.jpg", width: 8, height: 6, objects: [object(0, 0, 0, 1, 1)]),
        .init(
          path: "pictures/b.jpg", width: nil, height: nil,
          objects: [object(1, 1, 2, 3, 4.5, .crowd), object(0, 5, 5, 1, 1)]),
      ])
  }

  @Test func classesAreTheLabels() throws {
    let truth = try read(
      annotations: box("[0, 0, 1, 1]"),
      categories: #"{"id": 0, "name": "all"}, {"id": 1, "name": "cell"}"#, labels: ["x", "cell"])
    #expect(truth.classes == ["x", "cell"])
    #expect(truth.pictures[0].objects == [object(1, 0, 0, 1, 1)])
  }

  @Test func objectsOfOtherClassesAreNamed() {
    #expect(
      fault(annotations: box("[0, 0, 1, 1]"), labels: ["cat", "dog"])
        == "test: expected objects of the network's classes 'cat', 'dog', found ones of 'cell'")
  }

  @Test func boxesThatAreNotAsTheyShouldBeAreCounted() throws {
    let boxes = [
      "[1, 1, 0, 5]", "[1, 1, 5, -1]", "[1, 1, 1e30, 1e39]", "[1e38, 1, 3e38, 5]",  // empty
      "[10, 0, 5, 5]", "[0, -5, 5, 5]",  // outside of 10 × 8
      "[-2, 0, 5, 5]", "[0, 0, 10.5, 8.5]", "[0, 0, 11.5, 8]",  // kept; the second is near enough
    ]
    let truth = try read(annotations: boxes.map { box($0) }.joined(separator: ","))
    #expect(truth.faults.empty == 4)
    #expect(truth.faults.outside == 2)
    #expect(truth.faults.overhanging == 2)
    #expect(truth.pictures[0].objects.map(\.box.width) == [5, 10.5, 11.5])
  }

  @Test(arguments: [
    (#"{"image_id": 2, "category_id": 1, "bbox": [0, 0, 1, 1]}"#, "found image_id 2 in annot"),
    (#"{"image_id": 1, "category_id": 5, "bbox": [0, 0, 1, 1]}"#, "found category_id 5 in annot"),
    (#"{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1]}"#, "a bbox of 4 numbers, found 3"),
    (#"{"image_id": 1, "category_id": 1}"#, "expected 'annotations.0.bbox'"),
    (#"{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, "x"]}"#, "'annotations.0.bbox.3'"),
    (#"{"image_id": "1", "category_id": 1, "bbox": [0, 0, 1, 1]}"#, "'annotations.0.image_id'"),
    (#"{"id": 3, \#(fields)}, {"id": 3, \#(fields)}"#, "ids of annotations that differ, found 3"),
  ])
  func faultyAnnotationsAreRefused(annotations: String, expected: String) {
    #expect(fault(annotations: annotations)?.contains(expected) == true)
  }

  @Test func repeatedIDsAndNamesAreRefused() {
    #expect(
      fault(images: #"{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}"#)
        == "test: expected ids of images that differ, found 1 twice")
    #expect(
      fault(images: #"{"id": 1, "file_name": "a"}, {"id": 2, "file_name": "a"}"#)
        == "test: expected file_names that differ, found a twice")
    #expect(
      fault(categories: #"{"id": 1, "name": "a"}, {"id": 1, "name": "b"}"#)
        == "test: expected ids of categories that differ, found 1 twice")
    #expect(
      fault(categories: #"{"id": 1, "name": "a"}, {"id": 2, "name": "a"}"#)
        == "test: expected names of categories that differ, found a twice")
  }

  @Test(arguments: ["/etc/a.jpg", "../a.jpg", "in/../../a.jpg", "", "a//b.jpg", #"a\u0000.jpg"#])
  func namesThatLeadOutOfTheFolderAreRefused(name: String) {
    #expect(
      fault(images: #"{"id": 1, "file_name": "\#(name)"}"#)?
        .hasPrefix("test: expected names of files in the folder of pictures, found '") == true)
  }

  @Test func otherContentsAreRefusedInOneLine() {
    for text in [
      "", "{", "[]", "null", #"{"images": []}"#, "\u{0}", #"{"images": "x\ny"}"#,
      String(repeating: "[", count: 100_000), #"{"a":"# + String(repeating: "[{", count: 5000),
    ] {
      let fault = message { () throws(ImportError) in
        _ = try COCOFile.read(FileBytes(text.utf8, name: "test"), labels: nil, folder: ".")
      }
      #expect(fault?.hasPrefix("test: expected ground truth in COCO's JSON, found a fault") == true)
      #expect(fault?.contains("\n") == false)
    }
  }

  @Test func masksAreReadInAllTheirForms() throws {
    // Columns 2 and 3, rows 1 ... 4 of 10 x 8.
    let counts = [17, 4, 4, 4, 51]
    let expected = try RunLengths(counts: counts, pixels: 80)
    for text in [
      "[[2, 1, 4, 1, 4, 5, 2, 5]]", "[[2, 1, 4, 1, 4, 3, 2, 3], [2, 2.9, 4, 2.9, 4, 5, 2, 5]]",
      #"{"size": [8, 10], "counts": \#(counts)}"#,
      #"{"size": [8, 10], "counts": [17, 2, 0, 2, 4, 4, 51, 0]}"#,
      #"{"size": [8, 10], "counts": "\#(expected.packed)"}"#,
    ] {
      let truth = try read(annotations: masked(text), masks: true)
      #expect(truth.pictures[0].objects.map(\.mask) == [expected], "\(text)")
      #expect(try read(annotations: masked(text)).pictures[0].objects.map(\.mask) == [nil])
    }
  }

  @Test func masksWithoutPixelsAreCountedAndKept() throws {
    let truth = try read(annotations: masked("[[90, 90, 95, 90, 95, 95]]"), masks: true)
    #expect(truth.faults.emptyMasks == 1)
    #expect(truth.pictures[0].objects.map { $0.mask?.area } == [0])
  }

  @Test(arguments: [
    ("[]", "a segmentation, found no polygons"), ("null", "a segmentation, found none"),
    ("[[1, 2, 3, 4]]", "polygons of x and y of 3 corners at least, found 4 numbers"),
    ("[[1, 2, 3, 4, 5, 6, 7]]", "corners at least, found 7 numbers"),
    ("[[1, 2, 3, 4, 5, 1e9]]", "corners within 16777216 pixels, found 1000000000.0"),
    ("[1, 2, 3, 4, 5, 6]", "'annotations.0.segmentation"), ("3", "'annotations.0.segmentation"),
    (#"{"size": [10, 8], "counts": [80]}"#, "of size [8, 10], found [10, 8]"),
    (#"{"size": [8, 10], "counts": [79]}"#, "found counts add up to 79, expected 80 pixels"),
    (#"{"size": [8, 10], "counts": [9223372036854775807, 1]}"#, "count 0 from 0 is 92233720"),
    (#"{"size": [8, 10], "counts": [-1, 81]}"#, "count 0 from 0 is -1"),
    (#"{"size": [8, 10], "counts": "oooo"}"#, "byte 0 of packed counts does not end"),
    (#"{"size": [8, 10], "counts": " "}"#, "byte 32 at 0 of packed counts"),
    (#"{"size": [8, 10]}"#, "'annotations.0.segmentation.counts'"),
  ])
  func faultyMasksAreRefusedWhereTheyAreWanted(segmentation: String, expected: String) {
    let fault = message { () throws(ImportError) in
      _ = try read(annotations: masked(segmentation), masks: true)
    }
    #expect(fault?.contains(expected) == true, "\(fault ?? "none")")
    #expect(self.fault(annotations: masked(segmentation)) == nil)
  }

  @Test(arguments: [
    "", #", "width": 10"#, #", "width": 0, "height": 8"#, #", "width": 70000, "height": 8"#,
  ])
  func masksNeedTheSizeOfTheirPicture(size: String) {
    let fault = message { () throws(ImportError) in
      _ = try read(
        images: #"{"id": 1, "file_name": "a.jpg"\#(size)}"#,
        annotations: masked("[[2, 1, 4, 1, 4, 5]]"), masks: true)
    }
    #expect(fault?.contains("width and height of images with masks, 1 ... 65536, found") == true)
  }

  @Test func polygonsThatAskForTooMuchAreRefused() {
    // 2000 edges, each across 65536 columns.
    let corners = (0..<2000).map { "\($0 % 2 * 65536),\($0 % 3)" }.joined(separator: ",")
    let fault = message { () throws(ImportError) in
      _ = try read(
        images: #"{"id": 1, "file_name": "a.jpg", "width": 65536, "height": 65536}"#,
        annotations: masked("[[\(corners)]]"), masks: true)
    }
    #expect(fault?.contains("expected polygons that cross fewer columns, found more") == true)
  }

  @Test func damagedFilesDoNotCrash() {
    let text = json(
      image,
      [
        box("[1, 2, 3, 4]"), masked("[[2, 1, 4, 1, 4, 5, 2, 5]]"),
        masked(#"{"size": [8, 10], "counts": [17, 4, 4, 4, 51]}"#),
        masked(#"{"size": [8, 10], "counts": "a04O20\\1"}"#),
      ].joined(separator: ","), category)
    for masks in [false, true] {
      expectNoCrash(mutating: Array(text.utf8), rounds: 3000, seed: 11) {
        file throws(ImportError) in
        _ = try COCOFile.read(file, labels: nil, folder: ".", masks: masks)
      }
    }
  }

  @Test func picturesLieBesideTheFile() throws {
    let path = fixturePath("../evaluate/cases/boxes/truth.json")
    let truth = try COCOFile.read(path: path)
    #expect(truth.pictures[0].path == path.dropLast("truth.json".count) + "1.jpg")
  }

  private func read(
    images: String = image, annotations: String = "", categories: String = category,
    labels: [String]? = nil, masks: Bool = false
  ) throws(ImportError) -> DetectionTruth {
    try COCOFile.read(
      FileBytes(json(images, annotations, categories).utf8, name: "test"), labels: labels,
      folder: "pictures", masks: masks)
  }

  private func fault(
    images: String = image, annotations: String = "", categories: String = category,
    labels: [String]? = nil
  ) -> String? {
    message { () throws(ImportError) in
      _ = try read(
        images: images, annotations: annotations, categories: categories, labels: labels)
    }
  }

  private func object(
    _ index: Int, _ x: Float, _ y: Float, _ width: Float, _ height: Float,
    _ kind: TrueObject.Kind = .single
  ) -> TrueObject {
    TrueObject(
      classIndex: index, box: Box(x: x, y: y, width: width, height: height), kind: kind)
  }
}

private let image = #"{"id": 1, "file_name": "a.jpg", "width": 10, "height": 8}"#
private let category = #"{"id": 1, "name": "cell"}"#
private let fields = #""image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]"#

private func box(_ bbox: String) -> String {
  #"{"image_id": 1, "category_id": 1, "bbox": \#(bbox)}"#
}

private func masked(_ segmentation: String) -> String {
  #"{"image_id": 1, "category_id": 1, "bbox": [2, 1, 2, 4], "segmentation": \#(segmentation)}"#
}

private func json(_ images: String, _ annotations: String, _ categories: String) -> String {
  #"{"images": [\#(images)], "annotations": [\#(annotations)], "categories": [\#(categories)]}"#
}
