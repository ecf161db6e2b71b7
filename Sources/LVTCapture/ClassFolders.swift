// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// Pictures with known classes: a folder that has a folder of pictures for each class.
public struct ClassFolders: Sendable {
  /// Paths of pictures, class by class.
  public let paths: [String]
  /// The class of each picture.
  public let classes: [Int]
  /// What is in the folders besides, as in `3 files: 2 .webp, 1 .txt`; nil if nothing is.
  public var passedOver: String? { others.text }

  private let others: PassedOver

  /// Lists pictures.
  ///
  /// A folder is named by a label, of which `/` is written `_`, or by a class's number. Where there are no
  /// labels and not all names are numbers, the folders are the classes 0, 1 … in the order of their names'
  /// bytes, as torchvision's ImageFolder has them.
  ///
  /// - Parameters:
  ///   - path: The folder of folders; hidden ones are left out.
  ///   - kinds: What the program reads.
  ///   - labels: The classes' names. The only name of a network with one output stands for class 1, and its
  ///     absence is class 0.
  /// - Throws: ``CaptureError``: `path` cannot be read, ``CaptureError/classFolder(name:)``, or
  ///   ``CaptureError/noClassFolders``.
  public init(path: String, kinds: PictureKinds, labels: [String]) throws(CaptureError) {
    var others = PassedOver()
    let names = try Self.folders(in: path, besides: &others)
    let numbers = names.map { Int($0) }
    let isOrdered = labels.isEmpty && numbers.contains(nil)
    var paths: [String] = [], classes: [Int] = []
    for (i, name) in names.enumerated() {
      guard let index = isOrdered ? i : Self.classIndex(of: name, labels) ?? numbers[i] else {
        throw .classFolder(name: name)
      }
      let pictures: PictureFiles
      do throws(CaptureError) {
        pictures = try PictureFiles(at: path + "/" + name, kinds: kinds)
      } catch {
        if case .noPictures = error { continue }
        throw error
      }
      paths += pictures.paths
      classes += [Int](repeating: index, count: pictures.paths.count)
      others.add(pictures.others)
    }
    guard !paths.isEmpty else { throw .noClassFolders }
    self.paths = paths
    self.classes = classes
    self.others = others
  }

  private static func classIndex(of name: String, _ labels: [String]) -> Int? {
    // Bytes, since comparing strings takes Unicode's tables, large for a program on a board.
    let found = labels.firstIndex { label in
      label.utf8.elementsEqual(name.utf8)
        || label.utf8.map { $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0 }
          .elementsEqual(name.utf8)
    }
    return labels.count == 1 && found == 0 ? 1 : found
  }

  private static func folders(
    in path: String, besides others: inout PassedOver
  ) throws(CaptureError) -> [String] {
    var error: Int32 = 0
    guard let folder = lvt_folder_open(path, &error) else {
      throw .unreadable(reason: String(cString: lvt_error_text(error)))
    }
    defer { lvt_folder_close(folder) }
    var names: [String] = []
    while let entry = lvt_folder_next(folder) {
      let name = String(cString: entry)
      guard name.utf8.first != UInt8(ascii: ".") else { continue }
      if lvt_file_kind_of(path + "/" + name) == LVT_FILE_FOLDER {
        names.append(name)
      } else {
        others.addFile(named: NaturalName(name).lowercased)
      }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
