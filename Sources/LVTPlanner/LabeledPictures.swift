// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVTCapture
internal import LVTImage

/// Pictures with known classes: a folder with one folder of pictures for each class, or a pair of idx files
/// as MNIST and Fashion-MNIST have them.
public struct LabeledPictures: Sendable {
  private enum Source: Sendable {
    case files([String])
    case idx(IdxImages)
  }

  private let source: Source
  /// The class of each picture.
  public let classes: [Int]
  /// What is in the folders besides, as in `3 files: 2 .webp, 1 .txt`; nil if nothing is.
  public let passedOver: String?

  /// Opens a set.
  ///
  /// - Parameters:
  ///   - path: A folder with a folder for each class, named by label or by number; a folder that holds
  ///     an idx pair of test pictures; or an idx file of pictures with the labels' file beside it.
  ///   - labels: The class names; folders are matched with them. The only name of a network with one
  ///     output stands for class 1, and its absence is class 0.
  public init(path: String, labels: [String]) throws(PictureError) {
    if let images = Self.idxImages(path) {
      let labelsPath = images.replacingOccurrences(of: "images-idx3", with: "labels-idx1")
      do throws(ImportError) {
        let pictures = try IdxImages.read(path: images)
        let classes = try IdxLabels.read(path: labelsPath)
        guard pictures.count == classes.count else {
          throw ImportError.missing(
            file: labelsPath, expected: "\(pictures.count) labels", found: "\(classes.count)")
        }
        source = .idx(pictures)
        self.classes = classes.labels.map { Int($0) }
        passedOver = nil
      } catch { throw PictureError(file: path, reason: "\(error)") }
      return
    }
    guard FileManager.default.fileExists(atPath: path) else {
      throw PictureError(file: path, reason: "there is no such file or folder")
    }
    do throws(CaptureError) {
      let folders = try ClassFolders(path: path, kinds: .withPNG, labels: labels)
      source = .files(folders.paths)
      classes = folders.classes
      passedOver = folders.passedOver
    } catch {
      let isEmpty = if case .noClassFolders = error { true } else { false }
      let asPair =
        isEmpty
        ? ", or an idx pair (t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, perhaps .gz)" : ""
      throw PictureError(file: path, reason: error.description + asPair)
    }
  }

  private static func idxImages(_ path: String) -> String? {
    if path.contains("images-idx3") { return path }
    let candidates = ["t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz"]
    return candidates.map { path + "/" + $0 }.first { FileManager.default.fileExists(atPath: $0) }
  }

  /// What picture `index` is called in messages.
  func name(_ index: Int) -> String {
    switch source {
    case .files(let paths): paths[index]
    case .idx: "picture \(index)"
    }
  }

  /// Picture `index` as a network's input.
  func picture(_ index: Int, _ loader: PictureLoader) throws(PictureError) -> [UInt8] {
    switch source {
    case .files(let paths): return try loader.load(path: paths[index])
    case .idx(let images):
      let size = images.rows * images.columns
      let pixels = images.pixels[index * size..<(index + 1) * size]
      let result: Result<[UInt8], PictureError> = pixels.withUnsafeBytes { buffer in
        do throws(ImageError) {
          let view = try ImageView(
            format: .gray8, width: images.columns, height: images.rows, stride: images.columns,
            bytes: buffer)
          return .success(try loader.resize(view))
        } catch {
          return .failure(PictureError(file: name(index), reason: error.description))
        }
      }
      return try result.get()
    }
  }
}
