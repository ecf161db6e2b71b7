// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import Foundation

/// Reads the objects in pictures from a folder of XML files as Pascal VOC has them, one file a picture.
///
/// Corners are taken as they are: x is `xmin`, the width `xmax` - `xmin`. The original data count pixels from
/// 1 and include the last, but most tools and data sets do it so. Objects with `difficult` are
/// ``TrueObject/Kind/difficult``. Boxes that are not as they should be are counted, see ``BoxFaults``.
public enum VOCFolder {
  /// Reads a folder.
  ///
  /// - Parameters:
  ///   - path: The folder; the XML files are in its folder `Annotations`, or in itself if it has none.
  ///   - labels: The network's classes, which objects are matched with by name.
  ///   - folder: Where the pictures are; nil for the folder's `JPEGImages`, or itself if it has none.
  /// - Returns: Pictures in the order of the XML files' names.
  /// - Throws: ``ImportError`` if there is no XML file, or one cannot be read or used.
  public static func read(
    path: String, labels: [String], folder: String? = nil
  ) throws(ImportError) -> DetectionTruth {
    func inside(_ name: String) -> String {
      let inner = path + (path.hasSuffix("/") ? "" : "/") + name
      return lvt_file_kind_of(inner) == LVT_FILE_FOLDER ? inner : path
    }
    let annotations = inside("Annotations"), pictureFolder = folder ?? inside("JPEGImages")
    var classes = ClassNames(labels)
    var faults = BoxFaults()
    var pictures: [DetectionTruth.Picture] = []
    var known: Set<String> = []
    for file in try files(in: annotations) {
      let picture = try VOCFile.read(
        FileBytes(path: file), folder: pictureFolder, classes: &classes, faults: &faults)
      guard known.insert(picture.path).inserted else {
        throw .missing(
          file: file, expected: "a picture that no other file describes", found: picture.path)
      }
      pictures.append(picture)
    }
    try classes.check(file: annotations)
    return DetectionTruth(pictures: pictures, classes: labels, faults: faults)
  }

  private static func files(in folder: String) throws(ImportError) -> [String] {
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
      throw .cannotRead(file: folder, reason: "expected a folder of XML files")
    }
    let chosen = names.filter { $0.lowercased().hasSuffix(".xml") && !$0.hasPrefix(".") }
    guard !chosen.isEmpty else {
      throw .missing(
        file: folder, expected: "XML files, or a folder Annotations of them", found: "none")
    }
    return chosen.sorted().map { folder + (folder.hasSuffix("/") ? "" : "/") + $0 }
  }
}
