// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

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
    guard let greatest = logits.max() else { return [] }
    // Subtracting the greatest keeps exp within range and changes no ratio.
    let shares = logits.map { lvt_exp($0 - greatest) }
    let total = shares.reduce(0, +)
    let order = logits.indices.sorted { (logits[$0], -$0) > (logits[$1], -$1) }
    return order.prefix(max(0, count)).map { i in
      Candidate(
        index: i, label: i < labels.count ? labels[i] : "\(i)", probability: shares[i] / total)
    }
  }
}
