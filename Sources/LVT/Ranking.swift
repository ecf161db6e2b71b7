// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// Classes by their scores; `top(_:)` alone allocates.
public struct Ranking {
  private let logits: UnsafeBufferPointer<Float>
  private let greatest: Float
  private let total: Float

  /// - Parameter logits: Scores, which stay the caller's and must not change.
  public init(_ logits: UnsafeBufferPointer<Float>) {
    let greatest = logits.max() ?? 0
    self.logits = logits
    self.greatest = greatest
    // Subtracting the greatest keeps exp within range and changes no ratio. A single score is one of two
    // classes', the other's being 0.
    let rest: Float = logits.count == 1 ? lvt_exp(-greatest) : 0
    total = logits.reduce(rest) { $0 + lvt_exp($1 - greatest) }
  }

  /// The class that follows another.
  ///
  /// It is the likeliest of those that are less likely or, if equally likely, have a higher index. After
  /// nil it is the likeliest of all; after the last there is none.
  public func next(after last: Int?) -> Int? {
    var best: Int?
    for i in logits.indices where last.map({ precedes($0, i) }) ?? true {
      if best.map({ precedes(i, $0) }) ?? true { best = i }
    }
    return best
  }

  /// The likeliest classes, likeliest first.
  func top(_ count: Int) -> [Int] {
    // A pass for each of a few; sorting costs less than a pass for each of many.
    guard count <= 16 else {
      return Array(logits.indices.sorted { precedes($0, $1) }.prefix(count))
    }
    var found: [Int] = []
    while found.count < count, let next = next(after: found.last) { found.append(next) }
    return found
  }

  /// A class's share of the softmax over all classes; of a single class, the sigmoid of its score.
  public func probability(of index: Int) -> Float { lvt_exp(logits[index] - greatest) / total }

  private func precedes(_ i: Int, _ j: Int) -> Bool {
    logits[i] > logits[j] || (logits[i] == logits[j] && i < j)
  }
}
