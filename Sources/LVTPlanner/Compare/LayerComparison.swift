// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
public import LVTModel
public import LVTRuntime

/// A plan beside the float network that it was made of, layer by layer, on pictures.
public struct LayerComparison: Sendable {
  /// What a step makes, beside what the float network makes there.
  public struct Layer: Sendable {
    /// The step's index.
    public let step: Int
    /// What the checkpoint calls the layer.
    public let name: String
    /// The step's operation.
    public let operation: String
    /// The extents of what it makes.
    public let shape: Shape
    /// The type of what it makes.
    public let type: ElementType
    /// How far both are apart; nil where the step only names what others say, as the boxes of a detector.
    public let figures: Figures?
  }

  /// How far integers are from float values.
  public struct Figures: Sendable {
    /// Σ float² / Σ (int8 − float)², in decibels, 200 where there is no difference.
    public let decibels: Double
    /// How far the means of the channels are off: the root of the mean square over the channels, as a share of that of
    /// the float values.
    public let meanShift: Double
    /// The share of the float values that are outside the range of the integers, 0 … 1.
    public let clipped: Double
    /// By how much ``decibels`` is less than the least of what the step reads; nil where it reads only the
    /// picture.
    public let loss: Double?
    /// The channels that most of the difference is in, at most eight, the worst first.
    public let worst: [Channel]
  }

  /// A channel of a layer.
  public struct Channel: Sendable {
    /// Its index.
    public let index: Int
    /// Its part of Σ (int8 − float)² of the layer, 0 … 1.
    public let share: Double
    /// As ``Figures/decibels``, of this channel.
    public let decibels: Double
    /// The mean of int8 − float, in the units of the float network.
    public let meanShift: Double
  }

  /// Every step, in order.
  public let layers: [Layer]
  /// Pictures compared.
  public let pictures: Int
  /// The pictures on which both differ most, the worst first, at most ``mostOutcomes``.
  public let outcomes: [Outcome]

  /// As many pictures' answers are kept.
  public static let mostOutcomes = 8

  /// Answers to a picture.
  public struct Outcome: Sendable {
    /// The picture's place among all.
    public let picture: Int
    /// The signal-to-noise ratio of what the results are made of, the least if there are several, in decibels.
    public let decibels: Double
    /// The share of the decisions that are the same; 1 for a network without any.
    public let agreement: Double
    /// The results of each, as the plan's outputs have them.
    let float, int8: [[Float]]
  }

  /// Runs both on every picture, on all processors.
  ///
  /// - Parameters:
  ///   - pictures: As ``Planner/compile(_:pictures:)`` takes them, at least one.
  ///   - progress: Called from any thread with the number of pictures done.
  /// - Throws: ``ComparisonError``
  public init(
    network: Network, plan: Plan, pictures: [[UInt8]],
    progress: @escaping @Sendable (Int) -> Void = { _ in }
  ) throws(ComparisonError) {
    let factors = try Self.factors(of: plan, madeFrom: network)
    let parts: [LayerPart]
    do throws(EngineError) {
      parts = try onAllProcessors(progress) { (worker, count, done) throws(EngineError) in
        var part = LayerPart(network, plan, factors)
        let engine = try Engine(plan: plan)
        for i in stride(from: worker, to: pictures.count, by: count) {
          part.add(i, pictures[i], engine)
          done()
        }
        return part
      }
    } catch { throw .engine(error) }
    var all = LayerPart(network, plan, factors)
    for part in parts { all.add(part) }
    if let (picture, layer) = all.notFinite { throw .values(picture: picture, layer: layer) }
    layers = plan.steps.indices.map { Self.layer($0, of: plan, network, all.sums) }
    self.pictures = pictures.count
    outcomes = all.outcomes
  }

  /// Checks that a plan was made from a network.
  ///
  /// - Throws: ``ComparisonError``
  private static func factors(
    of plan: Plan, madeFrom network: Network
  ) throws(ComparisonError) -> ChannelFactors {
    let graph = network.graph
    for (key, own) in [(key: "network", value: network.family)] + network.pixelProvenance {
      if let made = plan.provenance(key), made != own {
        throw .differs(key, plan: made, network: own)
      }
    }
    guard plan.input.width == network.inputSize.width,
      plan.input.height == network.inputSize.height
    else {
      throw .differs(
        "input", plan: "\(plan.input.width)×\(plan.input.height)",
        network: "\(network.inputSize)")
    }
    guard plan.steps.count == graph.nodes.count else {
      throw .differs("steps", plan: "\(plan.steps.count)", network: "\(graph.nodes.count)")
    }
    let names = plan.layerNames
    for (i, node) in graph.nodes.enumerated() {
      let step = plan.steps[i], shape = plan.tensors[step.output].shape
      // Each node became a step, and each value a tensor.
      guard names[i] == node.name, step.output == node.output, step.inputs == node.inputs,
        shape == graph.values[node.output].shape
      else {
        throw .differs(
          "step \(i)", plan: "'\(names[i])' \(shape)",
          network: "'\(node.name)' \(graph.values[node.output].shape)")
      }
    }
    guard let factors = ChannelFactors(plan) else { throw .factors }
    return factors
  }

  private static func layer(
    _ index: Int, of plan: Plan, _ network: Network, _ sums: [LayerSums?]
  ) -> Layer {
    let step = plan.steps[index], node = network.graph.nodes[index]
    let output = plan.tensors[step.output]
    let figures = sums[index].map { own in
      let read = step.inputs.compactMap { network.graph.values[$0].producer }
        .compactMap { sums[$0]?.decibels }.min()
      let noise = own.noise.reduce(0, +)
      let worst = own.noise.indices.filter { own.noise[$0] > 0 }
        .sorted { (own.noise[$0], $1) > (own.noise[$1], $0) }.prefix(8)
      return Figures(
        decibels: own.decibels, meanShift: own.meanShift, clipped: own.clippedShare,
        loss: read.map { $0 - own.decibels },
        worst: worst.map {
          Channel(
            index: $0, share: own.noise[$0] / noise,
            decibels: decibels(own.signal[$0], own.noise[$0]),
            meanShift: own.shift[$0] / Double(max(1, own.positions)))
        })
    }
    return Layer(
      step: index, name: node.name, operation: step.operation.name, shape: output.shape,
      type: output.type, figures: figures)
  }
}

/// What one worker compared.
private struct LayerPart: Sendable {
  /// Of each step; nil where there is nothing to subtract.
  var sums: [LayerSums?]
  var outcomes: [LayerComparison.Outcome] = []
  var notFinite: (picture: Int, layer: String)?
  private let executor: FloatExecutor
  private let plan: Plan
  private let factors: ChannelFactors
  /// The steps whose values say how near the results are.
  private let compared: [Int]

  init(_ network: Network, _ plan: Plan, _ factors: ChannelFactors) {
    executor = FloatExecutor(network)
    self.plan = plan
    self.factors = factors
    sums = network.graph.nodes.map { node in
      node.operation.namesItsInputs
        ? nil : LayerSums(channels: network.graph.values[node.output].shape.channels)
    }
    compared = network.compared.compactMap { network.graph.values[$0.value].producer }
  }

  mutating func add(_ index: Int, _ picture: [UInt8], _ engine: Engine) {
    // The arena gives a value's bytes to others, so they are copied as each step ends.
    var made = plan.steps.map { _ in [UInt8]() }
    engine.withPicture { $0.copyBytes(from: picture) }
    engine.run { [plan] step in made[step] = Array(engine.bytes(ofTensor: plan.steps[step].output))
    }
    let input = executor.normalized(picture)
    var own = sums.map { $0.map { LayerSums(channels: $0.signal.count) } }
    let graph = executor.network.graph
    let float = executor.results(input) { point, values, _ in
      guard point.role == .output, let step = graph.values[point.value].producer else { return }
      made[step].withUnsafeBytes { bytes in
        own[step]?.add(
          float: values, bytes, plan.tensors[point.value], factors: factors[point.value])
      }
      made[step] = []
    }
    guard own.allSatisfy({ $0?.isFinite ?? true }) else {
      notFinite = notFinite ?? (index, executor.firstNotFinite(input) ?? "")
      return
    }
    var agreement = Agreement()
    agreement.add(float, engine)
    keep([
      LayerComparison.Outcome(
        picture: index,
        decibels: compared.compactMap { own[$0]?.decibels }.min() ?? 200,
        agreement: agreement.hasDecisions ? agreement.share : 1, float: float.outputs,
        int8: engine.outputs.map { $0.values })
    ])
    add(own)
  }

  mutating func add(_ other: LayerPart) {
    notFinite = notFinite ?? other.notFinite
    add(other.sums)
    keep(other.outcomes)
  }

  private mutating func add(_ other: [LayerSums?]) {
    for i in sums.indices {
      if let other = other[i] { sums[i]?.add(other) }
    }
  }

  private mutating func keep(_ further: [LayerComparison.Outcome]) {
    outcomes += further
    outcomes.sort {
      ($0.agreement, $0.decibels, $0.picture) < ($1.agreement, $1.decibels, $1.picture)
    }
    outcomes = Array(outcomes.prefix(LayerComparison.mostOutcomes))
  }
}

extension Plan {
  /// What the checkpoint calls the layer of each step, as far as the plan says.
  var layerNames: [String] {
    let known = Dictionary(provenance.map { ($0.key, $0.value) }) { first, _ in first }
    return steps.indices.map { known["step.\($0)"] ?? "" }
  }
}

/// Why a plan cannot be compared with a network.
public enum ComparisonError: Error, Sendable {
  /// The plan was not made from this network with these options.
  case differs(String, plan: String, network: String)
  /// The plan does not say what channels were multiplied with.
  case factors
  /// The float network's values of a picture, by its place, are not finite.
  case values(picture: Int, layer: String)
  /// The engine could not be made.
  case engine(EngineError)
}

extension ComparisonError: CustomStringConvertible {
  /// One line.
  public var description: String {
    switch self {
    case .differs(let what, let plan, let network):
      "expected the checkpoint that the plan was made from, and the same options: \(what) of the plan is "
        + "\(terminalText(plan)), of the checkpoint's network \(terminalText(network))"
    case .factors:
      "expected a plan that says how its channels were scaled, as lvt-plan writes now; compile it anew"
    case .values(let picture, let layer):
      "picture \(picture): layer '\(layer)' of the float network makes values that are infinite or NaN"
    case .engine(let error): "\(error)"
    }
  }
}
