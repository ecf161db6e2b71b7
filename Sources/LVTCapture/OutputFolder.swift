// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// A folder into which a file is written for each picture.
///
/// A file has its picture's name with another ending: `out/cells.jpg` for `in/cells.ppm`. A second picture
/// of the same name is refused; what an earlier run of the program wrote is replaced.
public struct OutputFolder {
  /// The folder.
  public let path: String
  private let ending: String
  /// The pictures of the files that were given a place, by the files' names in order of their bytes.
  private var pictures: [(name: [UInt8], path: String)] = []

  /// A folder, which is made unless it is there.
  ///
  /// - Parameters:
  ///   - path: Of the folder; what it is made in must be there.
  ///   - ending: Of the files, as in `.jpg`.
  ///   - inputs: The pictures that will be read, and folders of such, which this folder may not be.
  /// - Throws: ``CaptureError/holdsPictures``, or ``CaptureError/unwritable(reason:)`` if files cannot be
  ///   expected to be written; the descriptions do not contain the path.
  public init(path: String, ending: String, inputs: [String]) throws(CaptureError) {
    self.path = path
    self.ending = ending
    var status = lvt_make_folder(path)
    if status == 0 { status = lvt_check_output(join(path, ".lvt")) }
    guard status == 0 else { throw .unwritable(reason: String(cString: lvt_error_text(status))) }
    for input in inputs {
      let folder = lvt_file_kind_of(input) == LVT_FILE_FOLDER ? input : split(input).folder
      if lvt_is_same_folder(folder, path) { throw .holdsPictures }
    }
  }

  /// Where the file of a picture is to be written.
  ///
  /// - Throws: ``CaptureError/nameIsTaken(by:)`` for another picture whose file has the same name, and
  ///   ``CaptureError/outputIsLink`` if there is a symbolic link, since it may lead to a picture; the
  ///   descriptions do not contain the path.
  public mutating func place(of picture: String) throws(CaptureError) -> String {
    let name = split(picture).name
    let stem = name.lastIndex(of: UInt8(ascii: ".")).map { $0 == 0 ? name[...] : name[..<$0] }
    let output = try place(named: String(decoding: stem ?? name[...], as: UTF8.self))
    try remember(Array(stem ?? name[...]), of: picture)
    return output
  }

  /// Where the file of a stream's frame is to be written: `out/frame-000012.jpg`.
  ///
  /// - Throws: ``CaptureError/outputIsLink``; its description does not contain the path.
  public func place(ofFrame number: Int) throws(CaptureError) -> String {
    let digits = "\(number)"
    return try place(
      named: "frame-" + String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits)
  }

  private func place(named name: String) throws(CaptureError) -> String {
    let output = join(path, name + ending)
    if lvt_is_link(output) { throw .outputIsLink }
    return output
  }

  private mutating func remember(_ name: [UInt8], of picture: String) throws(CaptureError) {
    var range = pictures.indices
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      let known = pictures[middle]
      if known.name == name {
        // A picture that is read twice has the same results twice.
        if lvt_is_same_file(known.path, picture) { return }
        throw .nameIsTaken(by: known.path)
      }
      range =
        known.name.lexicographicallyPrecedes(name)
        ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    pictures.insert((name, picture), at: range.lowerBound)
  }
}

/// A path's folder and the bytes of the name in it.
private func split(_ path: String) -> (folder: String, name: [UInt8]) {
  let bytes = Array(path.utf8)
  guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return (".", bytes) }
  let folder = slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
  return (folder, Array(bytes[(slash + 1)...]))
}

private func join(_ folder: String, _ name: String) -> String {
  folder.utf8.last == UInt8(ascii: "/") ? folder + name : folder + "/" + name
}
