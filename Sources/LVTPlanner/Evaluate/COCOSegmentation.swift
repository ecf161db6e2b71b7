// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT

/// An object's pixels as COCO's files have them.
enum COCOSegmentation: Decodable {
  /// Corners, x and y by turns; the object has what is inside of any of them.
  case polygons([[Double]])
  /// Height and width of the picture, and lengths of runs.
  case counts(size: [Int], counts: [Int])
  /// Height and width of the picture, and lengths of runs as pycocotools packs them.
  case packed(size: [Int], counts: String)
  /// Not read, since nobody asked for it.
  case unread

  /// What makes a decoder read segmentations: any value.
  static let isWanted = CodingUserInfoKey(rawValue: "isWanted")

  private enum Key: CodingKey {
    case size, counts
  }

  init(from decoder: any Decoder) throws {
    guard let isWanted = Self.isWanted, decoder.userInfo[isWanted] != nil else {
      self = .unread
      return
    }
    guard let members = try? decoder.container(keyedBy: Key.self) else {
      self = .polygons(try decoder.singleValueContainer().decode([[Double]].self))
      return
    }
    let size = try members.decode([Int].self, forKey: .size)
    if let counts = try? members.decode(String.self, forKey: .counts) {
      self = .packed(size: size, counts: counts)
    } else {
      self = .counts(size: size, counts: try members.decode([Int].self, forKey: .counts))
    }
  }
}

/// Makes masks of the segmentations of one file, which may ask for much work.
struct COCOMasks {
  /// The longest side of a picture whose masks are read.
  private static let longestSide = 1 << 16
  /// How many crossings of polygons and columns are looked at in a file, and in a picture's mask: COCO's
  /// training pictures have 200 million, a mask some hundreds.
  private static let mostCrossings = 1 << 30, mostCrossingsOfMask = 1 << 22

  private var crossings = 0

  /// The pixels that a segmentation names.
  ///
  /// - Returns: The mask, or what is wrong with the segmentation: what was expected and what was found.
  mutating func mask(
    of segmentation: COCOSegmentation?, in picture: DetectionTruth.Picture
  ) -> Result<RunLengths, Fault> {
    func fault(_ expected: String, _ found: String) -> Result<RunLengths, Fault> {
      .failure(Fault(expected: expected, found: found))
    }
    let sides = 1...Self.longestSide
    guard let width = picture.width, let height = picture.height, sides.contains(width),
      sides.contains(height)
    else {
      return fault(
        "width and height of images with masks, 1 ... \(Self.longestSide)",
        "\(picture.width.map { "\($0)" } ?? "none") x \(picture.height.map { "\($0)" } ?? "none")")
    }
    do throws(RunLengthError) {
      switch segmentation {
      case nil, .unread: return fault("a segmentation", "none")
      case .polygons(let polygons):
        if let fault = Self.fault(of: polygons) { return .failure(fault) }
        let budget = min(Self.mostCrossingsOfMask, Self.mostCrossings - crossings)
        var filler = PolygonFiller(width: width, height: height, budget: budget)
        guard let mask = filler.fill(polygons) else {
          return fault("polygons that cross fewer columns", "more than \(budget) crossings")
        }
        crossings += budget - filler.budget
        return .success(mask)
      case .counts(let size, let counts):
        guard size == [height, width] else {
          return fault("run lengths of size [\(height), \(width)]", "\(size.prefix(3))")
        }
        return .success(try RunLengths(counts: counts, pixels: width * height))
      case .packed(let size, let counts):
        guard size == [height, width] else {
          return fault("run lengths of size [\(height), \(width)]", "\(size.prefix(3))")
        }
        return .success(try RunLengths(packed: counts.utf8, pixels: width * height))
      }
    } catch { return fault("run lengths of its image", "\(error)") }
  }

  /// What is wrong with polygons.
  private static func fault(of polygons: [[Double]]) -> Fault? {
    if polygons.isEmpty { return Fault(expected: "a segmentation", found: "no polygons") }
    for corners in polygons {
      guard corners.count >= 6, corners.count % 2 == 0 else {
        return Fault(
          expected: "polygons of x and y of 3 corners at least", found: "\(corners.count) numbers")
      }
      if let far = corners.first(where: { !(abs($0) <= PolygonFiller.farthest) }) {
        return Fault(
          expected: "corners within \(Int(PolygonFiller.farthest)) pixels", found: "\(far)")
      }
    }
    return nil
  }

  /// What is wrong with a segmentation.
  struct Fault: Error {
    let expected, found: String
  }
}
