// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import Foundation
public import LVTCapture
public import LVTImage
public import LVTModel

/// Reads pictures from files as a network's input: RGB bytes of the input's size.
public final class PictureLoader {
  private let decoder: PictureDecoder
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
    do throws(CaptureError) {
      decoder = try PictureDecoder(orientation: orientation, png: PNGPicture.decode)
    } catch {
      throw PictureError(file: "decoder", reason: error.description)
    }
  }

  /// Decodes and resizes a picture file: JPEG, PNG, PPM or PGM.
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

  /// Reads the pictures of a folder, or of its folders, or some evenly spaced ones if there are more than `limit`.
  ///
  /// Of folders, which may be those of classes, about as many are taken of each.
  ///
  /// - Parameters:
  ///   - loaded: Called with the path of each picture.
  ///   - passedOver: Called with what is there besides, as in `3 files: 2 .webp, 1 .txt`, if anything is.
  ///   - skipped: Called with each file that cannot be read.
  public func load(
    folder: String, limit: Int, loaded: (String) -> Void = { _ in },
    passedOver: (String) -> Void = { _ in }, skipped: (PictureError) -> Void
  ) throws(PictureError) -> [[UInt8]] {
    guard lvt_file_kind_of(folder) == LVT_FILE_FOLDER else {
      throw PictureError(file: folder, reason: "expected a folder of pictures")
    }
    let found: (paths: [String], besides: String?)
    do throws(CaptureError) { found = try paths(in: folder, limit: limit) } catch {
      throw PictureError(file: folder, reason: error.description)
    }
    if let besides = found.besides { passedOver(besides) }
    var pictures: [[UInt8]] = []
    for path in found.paths {
      do throws(PictureError) {
        pictures.append(try load(path: path))
        loaded(path)
      } catch {
        skipped(error)
      }
    }
    guard !pictures.isEmpty else {
      throw PictureError(file: folder, reason: "expected pictures, found none that can be read")
    }
    return pictures
  }

  private func paths(
    in folder: String, limit: Int
  ) throws(CaptureError) -> (paths: [String], besides: String?) {
    do throws(CaptureError) {
      let files = try PictureFiles(at: folder, kinds: decoder.kinds)
      return (Self.spaced(files.paths, min(limit, files.paths.count)), files.passedOver)
    } catch {
      guard case .noPictures = error,
        let classes = try? ClassFolders(path: folder, kinds: decoder.kinds, labels: [])
      else { throw error }
      let groups = Dictionary(grouping: classes.paths.indices) { classes.classes[$0] }
        .sorted { $0.key < $1.key }.map { $0.value.map { classes.paths[$0] } }
      let shares = Self.shares(of: groups.map(\.count), limit: limit)
      return (zip(groups, shares).flatMap { Self.spaced($0, $1) }, classes.passedOver)
    }
  }

  private static func spaced(_ paths: [String], _ count: Int) -> [String] {
    (0..<count).map { paths[$0 * paths.count / count] }
  }

  /// How many to take of groups of so many, `limit` in all: the same of each, as far as they have them.
  static func shares(of counts: [Int], limit: Int) -> [Int] {
    var shares = [Int](repeating: 0, count: counts.count)
    var left = min(limit, counts.reduce(0, +))
    while left > 0 {
      var open = counts.indices.filter { shares[$0] < counts[$0] }
      // Of what is left for some only, the groups are evenly spaced.
      if left < open.count { open = (0..<left).map { open[$0 * open.count / left] } }
      let each = left / open.count
      for i in open {
        let more = min(each, counts[i] - shares[i])
        shares[i] += more
        left -= more
      }
    }
    return shares
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
