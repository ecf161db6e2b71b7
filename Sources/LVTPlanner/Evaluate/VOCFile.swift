// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Reads one of Pascal VOC's XML files.
enum VOCFile {
  /// The longest file that is read, in bytes; a usual one has a few thousand.
  static let longestFile = 4 << 20

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - folder: Where the picture is.
  ///   - classes: Remembers names that are no class; their objects are left out.
  ///   - faults: Counts boxes that are not as they should be.
  /// - Throws: ``ImportError`` if the file is no such file.
  static func read(
    _ file: FileBytes, folder: String, classes: inout ClassNames, faults: inout BoxFaults
  ) throws(ImportError) -> DetectionTruth.Picture {
    guard file.count <= longestFile else {
      throw .limitExceeded(
        file: file.name, offset: 0, quantity: "a file of \(file.count) bytes", limit: longestFile)
    }
    let content = try VOCContent(file)
    guard let name = content.texts["filename"] else {
      throw .missing(file: file.name, expected: "the element filename", found: "none")
    }
    func number(_ element: String, of texts: [String: String]) throws(ImportError) -> Double {
      guard let text = texts[element] else {
        throw .missing(
          file: file.name, expected: "'\(element)' in each object", found: "one without")
      }
      guard let value = Double(text) else {
        throw .missing(
          file: file.name, expected: "a number in '\(element)'", found: "'\(text)'")
      }
      return value
    }
    var picture = DetectionTruth.Picture(
      path: try DetectionTruth.Picture.path(of: name, in: folder, file: file.name),
      width: content.texts["size/width"].flatMap { Int($0) },
      height: content.texts["size/height"].flatMap { Int($0) })
    for texts in content.objects {
      guard let name = texts["name"] else {
        throw .missing(file: file.name, expected: "a name in each object", found: "one without")
      }
      let left = try number("bndbox/xmin", of: texts), top = try number("bndbox/ymin", of: texts)
      let right = try number("bndbox/xmax", of: texts)
      let bottom = try number("bndbox/ymax", of: texts)
      guard let classIndex = classes.index(of: name),
        let box = faults.check(
          x: left, y: top, width: right - left, height: bottom - top, in: picture)
      else { continue }
      picture.objects.append(
        TrueObject(
          classIndex: classIndex, box: box,
          kind: texts["difficult"] == "1" ? .difficult : .single))
    }
    return picture
  }
}

/// The texts of a file's elements, by the elements' names from the outermost: "size/width".
private struct VOCContent {
  /// Those outside objects.
  var texts: [String: String] = [:]
  /// Those of each object, by their names inside it: "bndbox/xmin".
  var objects: [[String: String]] = []

  private static let read: Set<String> = [
    "filename", "size/width", "size/height", "name", "difficult",
    "bndbox/xmin", "bndbox/ymin", "bndbox/xmax", "bndbox/ymax",
  ]

  init(_ file: FileBytes) throws(ImportError) {
    var scanner = try XMLScanner(file)
    // Names of the elements that are open.
    var path: [String] = []
    var text = ""
    while let event = try scanner.next() {
      switch event {
      case .start(let name):
        path.append(name)
        text = ""
        guard path[0] == "annotation" else {
          throw .unknownFormat(
            file: file.name, expected: "the element 'annotation' of Pascal VOC",
            found: "'\(name)'")
        }
        if path.count == 2, name == "object" { objects.append([:]) }
      case .text(let more): text += more
      case .end:
        try take(text, of: path, file: file.name)
        path.removeLast()
        text = ""
      }
    }
  }

  private mutating func take(
    _ text: String, of path: [String], file: String
  ) throws(ImportError) {
    let isInObject = path.count > 2 && path[1] == "object"
    let key = path.dropFirst(isInObject ? 2 : 1).joined(separator: "/")
    guard Self.read.contains(key) else { return }
    let value = text.trimmingCharacters(in: .whitespacesAndNewlines)
    let old =
      isInObject
      ? objects[objects.count - 1].updateValue(value, forKey: key)
      : texts.updateValue(value, forKey: key)
    guard old == nil else {
      throw .missing(file: file, expected: "elements once", found: "'\(key)' twice")
    }
  }
}
