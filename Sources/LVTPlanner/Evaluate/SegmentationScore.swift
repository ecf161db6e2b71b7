// SPDX-License-Identifier: Apache-2.0
public import LVT

/// How good label maps are: pixels counted by the class they have and the class they were given.
///
/// Pixels whose true value is no class are ignored, whatever they were given: the values from the number
/// of classes on, such as 255, and with `reduceZeroLabel` also 0. Pictures may be added in any order and by
/// several workers: the figures are the same.
public struct SegmentationScore: Equatable, Sendable {
  /// Pictures added.
  public private(set) var pictures = 0
  /// Number of classes.
  public let classCount: Int
  /// The class of each value of a true label; `classCount` for what is ignored.
  private let classOfValue: [Int]
  /// Pixels: a row for each true class and one for what is ignored, a column for each answer.
  private var counts: [Int]

  /// No picture yet.
  ///
  /// - Parameters:
  ///   - classCount: Classes, 1 … 255.
  ///   - reduceZeroLabel: Whether the true label 0 is no class and k is class k - 1, as in ADE20K.
  public init(classCount: Int, reduceZeroLabel: Bool = false) {
    precondition((1...255).contains(classCount))
    self.classCount = classCount
    classOfValue = (0...255).map { value in
      let index = reduceZeroLabel ? value - 1 : value
      return value < 255 && (0..<classCount).contains(index) ? index : classCount
    }
    counts = Array(repeating: 0, count: (classCount + 1) * classCount)
  }

  /// Counts the pixels of one picture.
  ///
  /// - Parameters:
  ///   - answer: Indices of classes.
  ///   - truth: The true labels, as their file has them.
  /// - Throws: ``SegmentationError`` if the maps differ in size, or an answer is no class; nothing was
  ///   counted then.
  public mutating func add(answer: LabelMap, truth: LabelMap) throws(SegmentationError) {
    guard answer.width == truth.width, answer.height == truth.height else {
      throw .sizesDiffer(
        answer: .init(width: answer.width, height: answer.height),
        truth: .init(width: truth.width, height: truth.height))
    }
    if let highest = answer.labels.max(), highest >= classCount {
      throw .noClass(Int(highest), classCount: classCount)
    }
    for (given, value) in zip(answer.labels, truth.labels) {
      counts[classOfValue[Int(value)] * classCount + Int(given)] += 1
    }
    pictures += 1
  }

  /// Adds what another worker counted: other pictures, the same classes.
  public mutating func add(_ other: SegmentationScore) {
    precondition(classOfValue == other.classOfValue)
    pictures += other.pictures
    for i in counts.indices { counts[i] += other.counts[i] }
  }

  /// Pixels of class `truth` that were given class `answer`.
  public func count(truth: Int, answer: Int) -> Int {
    precondition((0..<classCount).contains(truth) && (0..<classCount).contains(answer))
    return counts[truth * classCount + answer]
  }

  /// Pixels that were judged: those whose true value is a class.
  public var pixels: Int { counts[..<(classCount * classCount)].reduce(0, +) }

  /// Pixels that were ignored: those whose true value is no class.
  public var ignored: Int { counts[(classCount * classCount)...].reduce(0, +) }

  /// Intersection over union of each class, 0 … 1; nil for one that is neither in the truth nor in the
  /// answers.
  public var intersectionOverUnion: [Double?] {
    let classes = 0..<classCount
    return classes.map { index in
      let isTrue = classes.reduce(0) { $0 + count(truth: index, answer: $1) }
      let isGiven = classes.reduce(0) { $0 + count(truth: $1, answer: index) }
      let both = count(truth: index, answer: index)
      let union = isTrue + isGiven - both
      return union == 0 ? nil : Double(both) / Double(union)
    }
  }

  /// The mean of ``intersectionOverUnion`` over the classes that are in the truth or in the answers, as
  /// mmsegmentation has it, 0 … 1; nil if no pixel was judged.
  public var mIoU: Double? {
    let values = intersectionOverUnion.compactMap(\.self)
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// The share of the judged pixels that were given their class, 0 … 1; nil if no pixel was judged.
  public var pixelAccuracy: Double? {
    let right = (0..<classCount).reduce(0) { $0 + count(truth: $1, answer: $1) }
    let pixels = pixels
    return pixels == 0 ? nil : Double(right) / Double(pixels)
  }
}

/// Why a label map cannot be judged.
public enum SegmentationError: Error, Equatable, Sendable {
  /// The answer and the truth are of two sizes: the answer is to be made at the truth's.
  case sizesDiffer(answer: Size, truth: Size)
  /// The answer has a value that is no index of a class.
  case noClass(Int, classCount: Int)

  /// Sides of a label map, in pixels.
  public struct Size: Equatable, Sendable, CustomStringConvertible {
    let width, height: Int

    /// Width × height.
    public var description: String { "\(width) × \(height)" }
  }
}

extension SegmentationError: CustomStringConvertible {
  /// One line without a file's name.
  public var description: String {
    switch self {
    case .sizesDiffer(let answer, let truth):
      "expected a label map of the true labels' \(truth) pixels, found one of \(answer)"
    case .noClass(let value, let classCount):
      "expected indices of \(classCount) classes, found \(value)"
    }
  }
}
