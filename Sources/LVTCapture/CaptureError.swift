// SPDX-License-Identifier: Apache-2.0
public import LVTImage

/// Why no picture came from a file, a folder, a pipe or a camera.
///
/// The descriptions are one line and do not contain the path; the caller, who knows it, puts it in
/// front.
public enum CaptureError: Error, Equatable, Sendable {
  /// The file or folder could not be opened or read.
  case unreadable(reason: String)
  /// The file could not be written.
  case unwritable(reason: String)
  /// A folder without pictures.
  case noPictures
  /// A folder of pictures of one class, whose name is none.
  case classFolder(name: String)
  /// A folder without folders of pictures.
  case noClassFolders
  /// A folder to write to from which pictures are read.
  case holdsPictures
  /// A picture whose output would be called as that of another one, which is named.
  case nameIsTaken(by: String)
  /// A picture in whose output's place there is a symbolic link.
  case outputIsLink
  /// A file of no bytes.
  case empty
  /// A file that does not start as a JPEG does.
  case notAJPEG(start: String)
  /// A JPEG that ends before its picture does.
  case truncated(reason: String)
  /// A JPEG whose bytes are not those that were written.
  case damaged(reason: String)
  /// A kind of JPEG that is not decoded.
  case unsupported(reason: String)
  /// A picture too large to decode.
  case tooLarge(width: Int, height: Int, reason: String)
  /// The system refused the memory for decoding.
  case outOfMemory
  /// The system refused the thread that reads ahead.
  case thread(reason: String)
  /// A PPM file of another kind, or not whole.
  case notAPPM
  /// A PPM file of more pixels than are read.
  case largePPM(width: Int, height: Int, most: Int)
  /// A stream that is not what was expected, by its first bytes.
  case wrongStream(StreamKind, expected: String)
  /// A stream without JPEGs, of no known kind.
  case unknownStream(start: String, count: Int)
  /// Colours were given to JPEGs, which have their own.
  case coloursOfJPEG
  /// A Y4M stream that is damaged.
  case y4m(reason: String)
  /// A kind of Y4M stream that is not read.
  case unsupportedY4M(reason: String)
  /// Frames longer than are read.
  case longFrames(bytes: Int, most: Int)
  /// A camera that cannot be used, or no longer.
  case camera(reason: String)
  /// The picture does not fit an image.
  case image(ImageError)
}

extension CaptureError: CustomStringConvertible {
  /// One line: what was expected and what was found.
  public var description: String {
    switch self {
    case .unreadable(let reason): "cannot be read: \(reason)"
    case .unwritable(let reason): "cannot be written: \(reason)"
    case .noPictures: "a folder without .jpg or .jpeg files"
    case .classFolder(let name):
      "a folder '\(name)', expected one named by a label or a class number"
    case .noClassFolders: "expected folders of pictures, named by class"
    case .holdsPictures: "holds pictures that are read; expected another folder to write"
    case .nameIsTaken(let picture):
      "its output would replace that of \(picture); expected pictures of different names"
    case .outputIsLink: "in its output's place there is a symbolic link; expected a file or nothing"
    case .empty: "an empty file, not a JPEG"
    case .notAJPEG(let start): "not a JPEG: the file starts with \(start), a JPEG with FF D8 FF"
    case .truncated(let reason): "a JPEG that is cut short: \(reason)"
    case .damaged(let reason): "a damaged JPEG: \(reason)"
    case .unsupported(let reason): "a JPEG of a kind that is not supported: \(reason)"
    case .tooLarge(let width, let height, let reason):
      "a JPEG of \(width)×\(height) pixels, too large to decode: \(reason)"
    case .outOfMemory: "no memory to decode the JPEG"
    case .largePPM(let width, let height, let most):
      "a PPM of \(width)×\(height) pixels, expected at most \(most) pixels"
    case .wrongStream(let kind, let expected): "\(kind.name), expected \(expected)"
    case .unknownStream(let start, let count):
      "no JPEG in the first \(count) bytes, which start with \(start)"
    case .coloursOfJPEG: "JPEGs, whose matrix and range are known: expected no others"
    case .y4m(let reason): "a Y4M stream \(reason)"
    case .unsupportedY4M(let reason):
      "a Y4M stream of a kind that is not supported: \(reason)"
    case .longFrames(let bytes, let most): "frames of \(bytes) bytes, expected at most \(most)"
    case .thread(let reason): "cannot start the thread that reads ahead: \(reason)"
    case .notAPPM: "not a binary PPM (P6) with 255 levels and all of its pixels"
    case .camera(let reason): reason
    case .image(let error): error.description
    }
  }
}
