// SPDX-License-Identifier: Apache-2.0

/// How wide the residual stream is: the values that every block adds to.
public enum ResidualWidth: String, CaseIterable, Sendable {
  /// Int8 everywhere.
  case int8
  /// Int16 everywhere.
  case int16
  /// Int16 in the stages that need it: see ``ResidualChoice``.
  case auto
}

extension Graph {
  /// Of each value, the stage whose residual stream it is part of; nil for the others.
  ///
  /// A stream is what additions join: both sides of one, and its result, are parts of the same. Stages are
  /// numbered in the order of their first values.
  var residualStages: [Int?] {
    var parents = Array(values.indices)
    func root(_ value: ValueID) -> ValueID {
      var value = value
      while parents[value] != value { value = parents[value] }
      return value
    }
    for node in nodes {
      guard let added = node.operation.addedInput else { continue }
      let ends = [root(node.inputs[added]), root(node.output)]
      parents[ends.max() ?? 0] = ends.min() ?? 0
    }
    let roots = values.indices.map(root)
    let streams = Set(roots.indices.filter { roots[$0] != $0 }.map { roots[$0] }).sorted()
    return roots.map { streams.firstIndex(of: $0) }
  }

  /// The stages whose stream may be int16: those which no operation makes or reads that knows int8 only.
  var wideStages: Set<Int> {
    let stages = residualStages
    var wide = Set(stages.compactMap { $0 })
    for node in nodes where !node.operation.isOfStreams {
      for value in node.inputs + [node.output] {
        if let stage = stages[value] { wide.remove(stage) }
      }
    }
    return wide
  }
}

/// What int16 residual streams would cost and gain, and which the planner took.
///
/// The planner compiles the network with an int8 stream, with an int16 stream in each stage alone, in those
/// together that take no memory, then in the two, three, … stages that gained most, and runs each plan on the
/// calibration pictures. It
/// takes the first of them, in the order of their arenas, that reaches ``goal``, or one of the same arena that
/// gains at least ``leastGain`` over it; or the best one if none does and it gains as much over int8.
public struct ResidualChoice: Sendable {
  /// A signal-to-noise ratio of the logits, in decibels, that is good enough: int8 then names the
  /// float network's class for about 99 pictures in 100.
  public static let goal = 30.0
  /// What int16 must gain, in decibels, where the goal is out of reach.
  public static let leastGain = 1.0

  /// A plan that was tried.
  public struct Trial: Sendable {
    /// Stages, from 0 on, whose stream is int16.
    public let stages: Set<Int>
    /// Plan against float network on the calibration pictures.
    public let agreement: Agreement
    /// Bytes of the arena.
    public let arenaBytes: Int
    /// Multiplications of one run; each value of an int16 map that a product reads as int8 costs one.
    public let macs: Int
  }

  /// What was tried; the first is int8 everywhere.
  public internal(set) var trials: [Trial]
  /// Index of the trial that became the plan.
  public internal(set) var chosen = 0

  /// Takes one of the trials by the rule above.
  mutating func choose() {
    func cost(_ i: Int) -> (Int, Int) { (trials[i].arenaBytes, trials[i].stages.count) }
    let byCost = trials.indices.sorted { cost($0) < cost($1) }
    if let good = byCost.first(where: { trials[$0].agreement.decibels >= Self.goal }) {
      chosen = good
      // Where a wider stream takes no more memory, it need not be for nothing.
      let best = trials.indices.filter { trials[$0].arenaBytes == trials[good].arenaBytes }
        .max { trials[$0].agreement.decibels < trials[$1].agreement.decibels }
      let floor = trials[good].agreement.decibels + Self.leastGain
      if let best, trials[best].agreement.decibels >= floor { chosen = best }
      return
    }
    let best = trials.indices.max {
      trials[$0].agreement.decibels < trials[$1].agreement.decibels
    }
    let floor = trials[0].agreement.decibels + Self.leastGain
    chosen = best.flatMap { trials[$0].agreement.decibels >= floor ? $0 : nil } ?? 0
  }

  /// Why the chosen trial was taken.
  public var reason: String {
    let goal = "\(Int(Self.goal)) dB"
    if trials[chosen].agreement.decibels >= Self.goal {
      return "the smallest arena that reaches \(goal)"
    }
    if chosen > 0 { return "the best, as none reaches \(goal)" }
    return "int16 gains less than \(Int(Self.leastGain)) dB, and none reaches \(goal)"
  }
}
