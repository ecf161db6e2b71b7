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

extension Network {
  /// Of each value, the stage whose residual stream it is part of; nil for the others.
  ///
  /// A stage is a run of the stream with one extent, from 0 on. A network whose stream is read by
  /// convolutions has none: their kernels read int8 only.
  var residualStages: [Int?] {
    var stages: [Int?] = [nil]
    var stage = -1
    var shape = shape(ofValue: 0)
    for layer in layers {
      guard layer.operation.isResidual else {
        stages.append(nil)
        continue
      }
      if layer.output != shape { stage += 1 }
      shape = layer.output
      stages.append(stage)
    }
    let isConvolved = layers.indices.contains { i in
      stages[i] != nil && layers[i].operation.isConvolution
    }
    return isConvolved ? stages.map { _ in nil } : stages
  }
}

extension Network.Operation {
  /// Whether the result is part of the residual stream: starts one or adds to it.
  fileprivate var isResidual: Bool {
    switch self {
    case .patchEmbed, .mlp, .patchMerge, .attention: true
    case .pointwise(_, _, let residual): residual != nil
    case .depthwise, .dynamicDepthwise, .inhomogeneousDepthwise, .convolution, .head: false
    }
  }

  fileprivate var isConvolution: Bool {
    switch self {
    case .depthwise, .dynamicDepthwise, .inhomogeneousDepthwise, .convolution: true
    case .patchEmbed, .pointwise, .mlp, .patchMerge, .attention, .head: false
    }
  }
}

/// What int16 residual streams would cost and gain, and which the planner took.
///
/// The planner compiles the network with an int8 stream, with an int16 stream in each stage alone, then
/// in the two, three, … stages that gained most, and runs each plan on the calibration pictures. It
/// takes the first of them, in the order of their arenas, that reaches ``goal``, or the best
/// one if none does and it gains at least ``leastGain`` over int8.
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
    let byCost = trials.indices.sorted {
      (trials[$0].arenaBytes, trials[$0].stages.count) < (
        trials[$1].arenaBytes, trials[$1].stages.count
      )
    }
    if let good = byCost.first(where: { trials[$0].agreement.decibels >= Self.goal }) {
      chosen = good
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
