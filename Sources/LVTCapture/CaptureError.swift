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
  /// A folder without pictures, and what is there besides.
  case noPictures(PictureKinds, besides: String?)
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
  /// A picture file of another kind, or none.
  case wrongPicture(StreamKind?, start: String, expected: PictureKinds)
  /// A PNG that is damaged, or larger than is read.
  case png(reason: String)
  /// Bytes that do not start as a JPEG does.
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
  /// A PPM or PGM file of another kind.
  case notAPNM
  /// A PPM or PGM file of more pixels than are read.
  case largePNM(width: Int, height: Int, most: Int)
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
    case .noPictures(let kinds, let besides):
      "a folder without \(kinds.endings.dropLast().joined(separator: ", ")) or "
        + "\(kinds.endings[kinds.endings.count - 1]) files"
        + (besides.map { "; it has \($0)" } ?? "")
    case .classFolder(let name):
      "a folder '\(name)', expected one named by a label or a class number"
    case .noClassFolders: "expected folders of pictures, named by class"
    case .holdsPictures: "holds pictures that are read; expected another folder to write"
    case .nameIsTaken(let picture):
      "its output would replace that of \(picture); expected pictures of different names"
    case .outputIsLink: "in its output's place there is a symbolic link; expected a file or nothing"
    case .empty: "an empty file, not a picture"
    case .wrongPicture(let kind?, _, let expected):
      "\(kind.name), expected \(expected.text)"
        + (kind.isPicture ? "; convert it, to JPEG say" : "")
    case .wrongPicture(nil, let start, let expected):
      "no picture: the file starts with \(start), expected \(expected.text)"
    case .png(let reason): "a PNG that cannot be read: \(reason)"
    case .notAJPEG(let start): "not a JPEG: it starts with \(start), a JPEG with FF D8 FF"
    case .truncated(let reason): "a JPEG that is cut short: \(reason)"
    case .damaged(let reason): "a damaged JPEG: \(reason)"
    case .unsupported(let reason): "a JPEG of a kind that is not supported: \(reason)"
    case .tooLarge(let width, let height, let reason):
      "a JPEG of \(width)×\(height) pixels, too large to decode: \(reason)"
    case .outOfMemory: "no memory to decode the picture"
    case .largePNM(let width, let height, let most):
      "a PPM or PGM of \(width)×\(height) pixels, expected at most \(most) pixels"
    case .wrongStream(let kind, let expected): "\(kind.name), expected \(expected)"
    case .unknownStream(let start, let count):
      "no JPEG in the first \(count) bytes, which start with \(start)"
    case .coloursOfJPEG: "JPEGs, whose matrix and range are known: expected no others"
    case .y4m(let reason): "a Y4M stream \(reason)"
    case .unsupportedY4M(let reason):
      "a Y4M stream of a kind that is not supported: \(reason)"
    case .longFrames(let bytes, let most): "frames of \(bytes) bytes, expected at most \(most)"
    case .thread(let reason): "cannot start the thread that reads ahead: \(reason)"
    case .notAPNM:
      "a PPM, PGM or PBM picture, expected a binary PPM (P6) or PGM (P5) with 255 levels"
    case .camera(let reason): reason
    case .image(let error): error.description
    }
  }
}
