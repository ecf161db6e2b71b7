// SPDX-License-Identifier: Apache-2.0

/// Which results are wanted.
public struct ResultFilter: Equatable, Sendable {
  /// The least score of an object, 0 … 1.
  public var leastScore: Float
  /// Indices of classes; nil for all.
  public var classes: [Int]?

  /// A filter; without arguments one that keeps everything.
  public init(leastScore: Float = 0, classes: [Int]? = nil) {
    self.leastScore = leastScore
    self.classes = classes
  }

  /// The least score of objects that people are shown where they do not say another.
  public static let shownScore: Float = 0.3

  /// Indices of the classes in a list of names or indices with commas between them.
  ///
  /// - Parameters:
  ///   - list: As in `car,Sky,3`.
  ///   - labels: None, or one for each class; a name stands for all classes that have it.
  ///   - count: How many classes there are.
  /// - Throws: ``UnknownClass`` for a part that is neither a label nor an index.
  public static func classes(
    in list: String, labels: [String], count: Int
  ) throws(UnknownClass) -> [Int] {
    var wanted: [Int] = []
    for part in list.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let name = String(decoding: part, as: UTF8.self)
      // Bytes, since comparing strings takes Unicode's tables, large for a program on a board.
      let named = labels.indices.filter { labels[$0].utf8.elementsEqual(part) }
      let isNumber = part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      if !named.isEmpty {
        wanted += named
      } else if isNumber, let index = Int(name), index < count {
        wanted.append(index)
      } else {
        throw UnknownClass(name: name, count: count)
      }
    }
    return wanted
  }

  /// Whether results of a class are wanted.
  public func keeps(classIndex: Int) -> Bool { classes?.contains(classIndex) ?? true }

  /// Whether an object is wanted.
  public func keeps(_ detection: Detection) -> Bool {
    detection.score >= leastScore && keeps(classIndex: detection.classIndex)
  }
}

/// A name that stands for none of a network's classes.
public struct UnknownClass: Error, Equatable, Sendable, CustomStringConvertible {
  /// The name.
  public let name: String
  /// How many classes there are.
  public let count: Int

  /// What was expected and found.
  public var description: String {
    "expected names of the plan's classes or numbers below \(count), found '\(name)'"
  }
}
