// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT

/// Reads the objects in pictures from a JSON file as COCO has them: `images`, `annotations` with boxes
/// `[x, y, width, height]` and, if masks are asked for, a `segmentation`, and `categories`.
///
/// Boxes that are not as they should be are counted, see ``BoxFaults``. An annotation of an image or a
/// category that the file does not list makes the file unusable, as do two images, categories or annotations
/// with one id. So does a segmentation that is none of the image: its polygons or run lengths are wrong.
public enum COCOFile {
  /// The longest file that is read, in bytes; instances_val2017.json has 20 million.
  static let longestFile = 256 << 20

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - labels: The network's classes, which the categories are matched with by name; categories without
  ///     annotations need not be among them. Nil makes classes of the categories in the order of their ids.
  ///   - folder: Where the pictures are; nil for the file's folder.
  ///   - masks: Whether segmentations are read; without, objects have boxes alone.
  /// - Returns: Pictures in the order of their ids.
  /// - Throws: ``ImportError`` if the file cannot be read, or disagrees with itself or with the labels.
  public static func read(
    path: String, labels: [String]? = nil, folder: String? = nil, masks: Bool = false
  ) throws(ImportError) -> DetectionTruth {
    let file = try FileBytes(path: path)
    guard file.count <= longestFile else {
      throw .limitExceeded(
        file: path, offset: 0, quantity: "a file of \(file.count) bytes", limit: longestFile)
    }
    let start = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    return try read(file, labels: labels, folder: folder ?? start, masks: masks)
  }

  /// Reads a file in memory.
  static func read(
    _ file: FileBytes, labels: [String]?, folder: String, masks: Bool = false
  ) throws(ImportError) -> DetectionTruth {
    let json = file.withBytes(in: 0..<file.count) { Data($0) }
    let content: Content
    let decoder = JSONDecoder()
    if masks, let wanted = COCOSegmentation.isWanted { decoder.userInfo[wanted] = true }
    do { content = try decoder.decode(Content.self, from: json) } catch {
      throw .unknownFormat(
        file: file.name, expected: "ground truth in COCO's JSON",
        found: "a fault in it: \(faultInJSON(error))")
    }
    try checkDiffer(content.images.map(\.id), "ids of images", file)
    try checkDiffer(content.images.map(\.file_name), "file_names", file)
    try checkDiffer(content.categories.map(\.id), "ids of categories", file)
    try checkDiffer(content.categories.map(\.name), "names of categories", file)
    try checkDiffer(content.annotations.compactMap(\.id), "ids of annotations", file)

    let categories = content.categories.sorted { $0.id < $1.id }
    let nameOfID = Dictionary(uniqueKeysWithValues: categories.map { ($0.id, $0.name) })
    var classes = ClassNames(labels ?? categories.map(\.name))
    var pictures: [DetectionTruth.Picture] = []
    var indexOfID: [Int: Int] = [:]
    for image in content.images.sorted(by: { $0.id < $1.id }) {
      indexOfID[image.id] = pictures.count
      pictures.append(
        DetectionTruth.Picture(
          path: try DetectionTruth.Picture.path(of: image.file_name, in: folder, file: file.name),
          width: image.width, height: image.height))
    }

    var faults = BoxFaults()
    var cocoMasks = COCOMasks()
    for (number, annotation) in content.annotations.enumerated() {
      func fault(_ expected: String, _ found: String) -> ImportError {
        .missing(
          file: file.name, expected: expected, found: "\(found) in annotation \(number) from 0")
      }
      guard let index = indexOfID[annotation.image_id] else {
        throw fault("ids of images that it lists", "image_id \(annotation.image_id)")
      }
      guard let name = nameOfID[annotation.category_id] else {
        throw fault("ids of categories that it lists", "category_id \(annotation.category_id)")
      }
      let box = annotation.bbox
      guard box.count == 4 else { throw fault("a bbox of 4 numbers", "\(box.count)") }
      guard let classIndex = classes.index(of: name),
        let box = faults.check(
          x: box[0], y: box[1], width: box[2], height: box[3], in: pictures[index])
      else { continue }
      var mask: RunLengths?
      if masks {
        switch cocoMasks.mask(of: annotation.segmentation, in: pictures[index]) {
        case .success(let found): mask = found
        case .failure(let wrong): throw fault(wrong.expected, wrong.found)
        }
        if mask?.area == 0 { faults.addEmptyMask() }
      }
      pictures[index].objects.append(
        TrueObject(
          classIndex: classIndex, box: box, mask: mask,
          kind: annotation.iscrowd?.isSet == true ? .crowd : .single))
    }
    try classes.check(file: file.name)
    return DetectionTruth(pictures: pictures, classes: classes.names, faults: faults)
  }

  private static func checkDiffer<Value: Hashable>(
    _ values: [Value], _ what: String, _ file: FileBytes
  ) throws(ImportError) {
    var known: Set<Value> = []
    for value in values where !known.insert(value).inserted {
      throw .missing(file: file.name, expected: "\(what) that differ", found: "\(value) twice")
    }
  }

  private struct Content: Decodable {
    let images: [Image]
    let annotations: [Annotation]
    let categories: [Category]
  }

  private struct Image: Decodable {
    let id: Int
    let file_name: String
    let width, height: Int?
  }

  private struct Annotation: Decodable {
    let id: Int?
    let image_id, category_id: Int
    let bbox: [Double]
    let iscrowd: Flag?
    let segmentation: COCOSegmentation?
  }

  private struct Category: Decodable {
    let id: Int
    let name: String
  }

  /// 0 and 1, or false and true as some tools write.
  private struct Flag: Decodable {
    let isSet: Bool

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let isSet = try? value.decode(Bool.self) {
        self.isSet = isSet
      } else {
        isSet = try value.decode(Int.self) != 0
      }
    }
  }
}
