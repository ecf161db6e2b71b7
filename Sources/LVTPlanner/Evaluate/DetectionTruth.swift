// SPDX-License-Identifier: Apache-2.0
internal import LVT

/// The objects in a set of pictures, as a data set's files say: ``COCOFile`` and ``VOCFolder`` read it.
public struct DetectionTruth: Equatable, Sendable {
  /// A picture and what is in it.
  public struct Picture: Equatable, Sendable {
    /// Where its file should be.
    public let path: String
    /// Its sides in pixels, at least 1; nil if the data set does not say.
    public let width, height: Int?
    /// Indices of classes are those of ``DetectionTruth/classes``.
    public internal(set) var objects: [TrueObject]
  }

  /// In the data set's order.
  public let pictures: [Picture]
  /// Names of the classes.
  public let classes: [String]
  /// Boxes that are not as they should be.
  public let faults: BoxFaults
}

/// How many boxes of a data set are not as they should be.
public struct BoxFaults: Equatable, Sendable {
  /// Boxes without an area, or not finite; they were left out.
  public private(set) var empty = 0
  /// Boxes of which nothing is in the picture; they were left out.
  public private(set) var outside = 0
  /// Boxes that reach over the picture's edge by more than a pixel; they were kept as they are.
  public private(set) var overhanging = 0

  /// Counts a box if something is wrong with it.
  ///
  /// - Parameters:
  ///   - width: That of the box, as `height` is.
  ///   - picture: The picture's sides; where one is nil nothing is known of that edge.
  /// - Returns: The box, or nil if it is to be left out.
  mutating func check(
    x: Double, y: Double, width: Double, height: Double, in picture: (width: Int?, height: Int?)
  ) -> Box? {
    let box = Box(x: Float(x), y: Float(y), width: Float(width), height: Float(height))
    guard box.x.isFinite, box.y.isFinite, (box.x + box.width).isFinite,
      (box.y + box.height).isFinite, box.width > 0, box.height > 0
    else {
      empty += 1
      return nil
    }
    let mostX = picture.width.map { Double($0) } ?? .infinity
    let mostY = picture.height.map { Double($0) } ?? .infinity
    guard x < mostX, y < mostY, x + width > 0, y + height > 0 else {
      outside += 1
      return nil
    }
    if x < -1 || y < -1 || x + width > mostX + 1 || y + height > mostY + 1 { overhanging += 1 }
    return box
  }
}

/// The classes of a network, found by name.
struct ClassNames {
  /// The names, in the order of the classes.
  let names: [String]
  private let indices: [String: Int]
  private var unknown: [String] = []

  /// Of two classes with one name the first is found.
  init(_ names: [String]) {
    self.names = names
    indices = Dictionary(zip(names, names.indices)) { first, _ in first }
  }

  /// The class of that name; nil, which is kept in mind, if there is none.
  mutating func index(of name: String) -> Int? {
    if let index = indices[name] { return index }
    if !unknown.contains(name), unknown.count < 10 { unknown.append(name) }
    return nil
  }

  /// Throws if there was a name that is no class.
  func check(file: String) throws(ImportError) {
    guard unknown.isEmpty else {
      throw .missing(
        file: file, expected: "objects of the network's classes \(Self.list(names))",
        found: "ones of \(Self.list(unknown))")
    }
  }

  /// The first few names.
  private static func list(_ names: [String]) -> String {
    let first = names.prefix(5).map { "'\(terminalText($0, limit: 20))'" }
    return first.joined(separator: ", ") + (names.count > first.count ? " …" : "")
  }
}

/// The sides of a picture as a data set states them, if they can be.
func statedSize(_ width: Int?, _ height: Int?) -> (width: Int?, height: Int?) {
  func side(_ value: Int?) -> Int? { value.flatMap { $0 > 0 ? $0 : nil } }
  return (side(width), side(height))
}

/// The path of a file in a folder.
///
/// - Parameters:
///   - name: Its name, perhaps with folders inside the folder.
///   - file: The file in which the name is, for messages.
/// - Throws: ``ImportError`` if the name leads out of the folder, or is none.
func path(of name: String, in folder: String, file: String) throws(ImportError) -> String {
  let parts = name.split(separator: "/", omittingEmptySubsequences: false)
  guard !name.contains("\0"), parts.allSatisfy({ !$0.isEmpty && $0 != ".." }) else {
    throw .missing(
      file: file, expected: "names of files in the folder of pictures", found: "'\(name)'")
  }
  return folder + (folder.hasSuffix("/") ? "" : "/") + name
}
