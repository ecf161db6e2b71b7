// SPDX-License-Identifier: Apache-2.0

/// The scores of one picture; none of a network without classes.
public struct Classification: Sendable {
  /// A class with its share of the softmax over all classes, or the sigmoid of the only one.
  public struct Candidate: Sendable {
    /// Index of the class.
    public let index: Int
    /// The class's name, or its index where the plan has no labels.
    public let label: String
    /// 0 … 1; the probabilities of all classes add up to 1, unless there is one class only, which is there
    /// or not.
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

  /// How many classes are likelier than one, or as likely with a lower index: 0 for the likeliest.
  public func rank(of index: Int) -> Int {
    logits.indices.count {
      logits[$0] > logits[index] || (logits[$0] == logits[index] && $0 < index)
    }
  }

  /// The `count` likeliest classes, likeliest first; of equals the one with the lower index.
  public func top(_ count: Int) -> [Candidate] {
    logits.withUnsafeBufferPointer { logits in
      let ranking = Ranking(logits)
      return ranking.top(count).map { index in
        Candidate(
          index: index, label: className(index, labels),
          probability: ranking.probability(of: index))
      }
    }
  }
}
