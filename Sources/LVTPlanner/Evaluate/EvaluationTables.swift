// SPDX-License-Identifier: Apache-2.0

/// A figure of the float network and of its plan.
public struct EvaluationFigure: Equatable, Sendable {
  /// What it is called, as in `top-1`.
  public let name: String
  /// 0 … 1; nil where nothing was to be judged.
  public let float, int8: Double?
}

/// Figures of each class.
public struct ClassTable: Equatable, Sendable {
  /// A class.
  public struct Row: Equatable, Sendable {
    /// Its name.
    public let name: String
    /// How much of it there was to be judged.
    public let count: Int
    /// Each figure of ``ClassTable/measures``, 0 … 1; nil where it says nothing.
    public let float, int8: [Double?]
  }

  /// What ``Row/count`` counts, as in `pictures`.
  public let counted: String
  /// What the figures are called.
  public let measures: [String]
  /// The classes that were to be judged, in their order.
  public let rows: [Row]
}

/// How often pictures of a class were given a class.
public struct Confusion: Equatable, Sendable {
  /// How many classes there are.
  public let classCount: Int
  /// Of pairs that occurred; few of a thousand classes do.
  private var counts: [Int: Int] = [:]
  private var truths, answers: [Int]

  init(classCount: Int) {
    self.classCount = classCount
    truths = [Int](repeating: 0, count: classCount)
    answers = truths
  }

  /// Indices of the classes.
  var classes: Range<Int> { 0..<classCount }

  mutating func add(truth: Int, answer: Int) {
    counts[truth * classCount + answer, default: 0] += 1
    truths[truth] += 1
    answers[answer] += 1
  }

  mutating func add(_ other: Confusion) {
    counts.merge(other.counts, uniquingKeysWith: +)
    for i in truths.indices {
      truths[i] += other.truths[i]
      answers[i] += other.answers[i]
    }
  }

  /// Pictures of class `truth` that were given class `answer`.
  public func count(truth: Int, answer: Int) -> Int { counts[truth * classCount + answer] ?? 0 }

  /// Pictures that were given their class.
  public var right: Int { classes.reduce(0) { $0 + count(truth: $1, answer: $1) } }

  /// Pictures of a class.
  public func pictures(ofClass index: Int) -> Int { truths[index] }

  /// The share of a class's pictures that were given it, 0 … 1; nil if there are none.
  public func recall(ofClass index: Int) -> Double? { share(index, of: truths) }

  /// The share of the pictures given a class that are of it, 0 … 1; nil if there are none.
  public func precision(ofClass index: Int) -> Double? { share(index, of: answers) }

  private func share(_ index: Int, of all: [Int]) -> Double? {
    all[index] > 0 ? Double(count(truth: index, answer: index)) / Double(all[index]) : nil
  }

  /// Pairs of different classes, the most frequent first.
  public var mistakes: [(truth: Int, answer: Int, count: Int)] {
    counts.filter { $0.key / classCount != $0.key % classCount }
      .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { (truth: $0.key / classCount, answer: $0.key % classCount, count: $0.value) }
  }
}
