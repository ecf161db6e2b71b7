// SPDX-License-Identifier: Apache-2.0

/// The scores of one picture.
public struct Classification: Sendable {
  /// A class with its share of the softmax over all classes.
  public struct Candidate: Sendable {
    /// Index of the class.
    public let index: Int
    /// The class's name, or its index where the plan has no labels.
    public let label: String
    /// 0 … 1; the probabilities of all classes add up to 1.
    public let probability: Float
  }

  /// The network's output, one score a class.
  public let logits: [Float]
  private let labels: [String]

  /// - Parameter labels: None, or one for each logit.
  public init(logits: [Float], labels: [String]) {
    self.logits = logits
    self.labels = labels
  }

  /// The `count` likeliest classes, likeliest first; of equals the one with the lower index.
  public func top(_ count: Int) -> [Candidate] {
    logits.withUnsafeBufferPointer { logits in
      let ranking = Ranking(logits)
      var found: [Candidate] = []
      while found.count < count, let next = ranking.next(after: found.last?.index) {
        found.append(
          Candidate(
            index: next, label: next < labels.count ? labels[next] : "\(next)",
            probability: ranking.probability(of: next)))
      }
      return found
    }
  }
}
