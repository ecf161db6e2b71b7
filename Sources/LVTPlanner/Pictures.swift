// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import Foundation
public import LVTCapture
public import LVTImage
public import LVTModel

/// Reads pictures from files as a network's input: RGB bytes of the input's size.
public final class PictureLoader {
  private let decoder: JPEGDecoder
  private let resizer: Resizer
  private let input: InputSpec

  /// A loader for an input.
  ///
  /// - Parameter orientation: Whether pictures are made upright first.
  public init(
    _ input: InputSpec, orientation: OrientationPolicy = .exif
  ) throws(PictureError) {
    self.input = input
    do throws(ImageError) { resizer = try Resizer(spec: input) } catch {
      throw PictureError(file: "input", reason: error.description)
    }
    do throws(CaptureError) { decoder = try JPEGDecoder(orientation: orientation) } catch {
      throw PictureError(file: "JPEG decoder", reason: error.description)
    }
  }

  /// Decodes and resizes a JPEG file.
  public func load(path: String) throws(PictureError) -> [UInt8] {
    try loadMapped(path: path).picture
  }

  /// The same, with where the picture's pixels lie in the input.
  public func loadMapped(
    path: String
  ) throws(PictureError) -> (picture: [UInt8], mapping: PictureMapping) {
    do throws(CaptureError) {
      let picture = try decoder.read(path: path)
      do throws(ImageError) {
        return (
          picture: try picture.withView { view throws(ImageError) in try resize(view) },
          mapping: try PictureMapping(
            width: picture.width, height: picture.height, spec: input)
        )
      } catch { throw CaptureError.image(error) }
    } catch {
      throw PictureError(file: path, reason: error.description)
    }
  }

  /// Resizes a picture in memory.
  public func resize(_ picture: ImageView) throws(ImageError) -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: resizer.outputBytes)
    let result: Result<Void, ImageError> = pixels.withUnsafeMutableBytes { buffer in
      do throws(ImageError) { return .success(try resizer.resize(picture, into: buffer)) } catch {
        return .failure(error)
      }
    }
    try result.get()
    return pixels
  }

  /// Reads the pictures of a folder, or some evenly spaced ones if there are more than `limit`.
  ///
  /// - Parameters:
  ///   - loaded: Called with the path of each picture.
  ///   - skipped: Called with each file that cannot be read.
  public func load(
    folder: String, limit: Int, loaded: (String) -> Void = { _ in },
    skipped: (PictureError) -> Void
  ) throws(PictureError) -> [[UInt8]] {
    guard lvt_file_kind_of(folder) == LVT_FILE_FOLDER else {
      throw PictureError(file: folder, reason: "expected a folder of JPEG files")
    }
    let paths: [String]
    do throws(CaptureError) { paths = try PictureFiles.at(folder) } catch {
      throw PictureError(file: folder, reason: error.description)
    }
    let count = min(paths.count, limit)
    var pictures: [[UInt8]] = []
    for i in 0..<count {
      do throws(PictureError) {
        let path = paths[i * paths.count / count]
        pictures.append(try load(path: path))
        loaded(path)
      } catch {
        skipped(error)
      }
    }
    guard !pictures.isEmpty else {
      throw PictureError(file: folder, reason: "expected JPEG files, found none that can be read")
    }
    return pictures
  }
}

/// Why a picture could not be used.
public struct PictureError: Error, CustomStringConvertible, Sendable {
  /// The file or folder.
  public let file: String
  /// What is wrong with it.
  public let reason: String

  /// File, colon, reason.
  public var description: String { "\(file): \(reason)" }
}
