// SPDX-License-Identifier: Apache-2.0
public import LVTModel
public import LVTRuntime

/// Compiles a network: equalize → calibrate → quantize and lower → lay out memory → verify.
public struct Planner {
  /// What the plan says beside the network.
  public struct Options: Sendable {
    /// How pictures become inputs.
    public var fit: InputSpec.Fit = .stretch
    /// The filter of the resize.
    public var interpolation: InputSpec.Interpolation = .bilinear
    /// How wide the residual stream is.
    public var residual = ResidualWidth.auto
    /// What is assumed of the machine.
    public var schedule = Schedule()
    /// Class names: none, or one for each class.
    public var labels: [String] = []
    /// Added to the plan's provenance: hashes of the inputs, the planner's version.
    public var provenance: [(key: String, value: String)] = []

    /// The whole picture resized bilinearly; no labels.
    public init() {}
  }

  /// What the planner is doing, for a progress display.
  public enum Stage: String, Sendable {
    /// First pass over the pictures, to equalize the channels.
    case equalizing
    /// Ranges and histograms.
    case calibrating
    /// Running an int8 plan to see by how much it shifts the means.
    case correcting
    /// Choosing ranges, packing weights and comparing with the float network, for each width of the
    /// residual stream.
    case quantizing
    /// Running the plan's golden vectors.
    case verifying
  }

  /// Multiplications of a pass by which the planner decides.
  ///
  /// For large networks it is a pass over a sample of the pictures. The least and greatest values, and what the
  /// plan says of itself, are those of all.
  var searchWork = 400_000_000_000
  /// The smallest sample, of as many pictures or more.
  private static let leastSample = 4

  /// The seed of the golden vectors' picture.
  static let goldenSeed: UInt64 = 0x6C76_7400

  private let options: Options
  private let progress: @Sendable (Stage, _ done: Int, _ total: Int) -> Void

  /// - Parameter progress: Called from any thread.
  public init(
    options: Options = Options(),
    progress: @escaping @Sendable (Stage, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
  ) {
    self.options = options
    self.progress = progress
  }

  /// Compiles a network.
  ///
  /// - Parameter pictures: At least one calibration picture, each exactly height × width × 3
  ///   RGB bytes.
  /// - Throws: ``PlannerError``
  public func compile(
    _ network: Network, pictures: [[UInt8]]
  ) throws(PlannerError) -> CompiledPlan {
    guard !pictures.isEmpty else { throw .noPictures }
    try network.checkLimits()
    guard options.labels.isEmpty || options.labels.count == network.classCount else {
      throw .labelCount(expected: network.classCount, found: options.labels.count)
    }
    let widest = network.graph.wideStages
    if options.residual == .int16 && widest.isEmpty { throw .int8Only(family: network.family) }
    let count = pictures.count, progress = progress
    let sample = sample(of: count, network)
    var equalized = network
    let factors = equalized.graph.equalize(
      try Calibration.ranges(network, pictures: sample.map { pictures[$0] }) {
        progress(.equalizing, $0, sample.count)
      })
    let calibration = try Calibration(equalized, pictures: pictures, sample: sample) {
      progress(.calibrating, $0, count + sample.count)
    }
    var calibrated = Calibrated(
      original: network, network: equalized, pictures: pictures, sample: sample,
      calibration: calibration)
    var memo = ChoiceMemo()
    let uncorrected = calibrated
    let first = options.residual == .int16 ? widest : []
    let corrected = try correctBiases(&calibrated, wideStages: first, &memo)
    var (choice, draft) = try residualChoice(calibrated, corrected, &memo)

    let stages = choice.trials[choice.chosen].stages
    if stages != first {
      // An int16 stream shifts less, so other corrections are right for it.
      calibrated = uncorrected
      let again = try correctBiases(&calibrated, wideStages: stages, &memo)
      if again.agreement.decibels > draft.agreement.decibels { draft = again }
    }

    progress(.verifying, 0, 1)
    let agreement =
      sample.count == count
      ? draft.agreement
      : try Agreement(
        plan: draft.plan, pictures: pictures, float: calibration.results,
        compared: network.compared.map { $0.value })
    var contents = draft.contents
    contents.golden = try golden(draft.plan)
    contents.provenance += agreement.provenance(of: network) + factors.provenance
    let bytes = contents.encoded(constants: draft.lowered.constants)
    progress(.verifying, 1, 1)
    return CompiledPlan(
      bytes: bytes, network: network, plan: try Self.read(bytes, of: network),
      choices: draft.lowered.choices,
      residual: choice, arenaLowerBound: draft.layout.lowerBound,
      arenaIsOptimal: draft.layout.isOptimal, agreement: agreement, contents: contents,
      constants: draft.lowered.constants)
  }

  /// Indices of pictures, evenly spread, that take so many multiplications.
  private func sample(of count: Int, _ network: Network) -> [Int] {
    let size = min(count, max(Self.leastSample, searchWork / max(1, network.macs)))
    return (0..<size).map { $0 * count / size }
  }

  /// A network whose values were observed.
  private struct Calibrated {
    let original: Network
    var network: Network
    let pictures: [[UInt8]]
    let sample: [Int]
    let calibration: Calibration
  }

  /// A plan without golden vectors, and how well it does.
  private struct Draft {
    let wideStages: Set<Int>
    let lowered: LoweredNetwork
    let layout: ArenaLayout
    let contents: PlanContents
    let plan: Plan
    let agreement: Agreement
    /// As ``Drift/shifts``.
    let shifts: [[Double]]
  }

  /// Corrects biases stage by stage as long as that helps; see BiasCorrection.swift.
  ///
  /// - Returns: The plan of what is calibrated then.
  private func correctBiases(
    _ calibrated: inout Calibrated, wideStages: Set<Int>, _ memo: inout ChoiceMemo
  ) throws(PlannerError) -> Draft {
    let stages = (calibrated.network.graph.residualStages.compactMap { $0 }.max() ?? -1) + 1
    var draft = try draft(calibrated, wideStages: wideStages, &memo)
    for stage in 0..<stages {
      var share: Float = 1
      for pass in 0..<Self.correctionPasses {
        progress(
          .correcting, stage * Self.correctionPasses + pass, stages * Self.correctionPasses)
        var corrected = calibrated
        corrected.network.graph.correctBiases(draft.shifts, stage: stage, share: share)
        let found = try self.draft(corrected, wideStages: wideStages, &memo)
        if found.agreement.decibels > draft.agreement.decibels {
          (calibrated, draft) = (corrected, found)
        } else {
          share /= 2
        }
      }
    }
    return draft
  }

  /// Passes over each stage.
  private static let correctionPasses = 2

  /// Tries the widths of the residual stream that the options allow; see ``ResidualChoice``.
  ///
  /// - Parameter first: The plan of the first that is tried.
  private func residualChoice(
    _ calibrated: Calibrated, _ first: Draft, _ memo: inout ChoiceMemo
  ) throws(PlannerError) -> (ResidualChoice, Draft) {
    let all = calibrated.network.graph.wideStages
    let count = options.residual == .auto ? 2 * all.count + 1 : 1
    var choice = ResidualChoice(trials: [])
    // The plan that would be taken if there were no more to try: mostly it is taken, and need not be made again.
    var best = first
    func attempt(
      _ stages: Set<Int>, _ memo: inout ChoiceMemo
    ) throws(PlannerError) {
      progress(.quantizing, choice.trials.count, count)
      let draft =
        stages == first.wideStages
        ? first : try draft(calibrated, wideStages: stages, &memo)
      choice.trials.append(
        ResidualChoice.Trial(
          stages: stages, agreement: draft.agreement, arenaBytes: draft.layout.byteCount,
          macs: calibrated.original.macs + draft.plan.narrowedElements))
      choice.choose()
      if choice.trials[choice.chosen].stages == stages { best = draft }
    }
    try attempt(first.wideStages, &memo)
    guard options.residual == .auto, !all.isEmpty else { return (choice, first) }
    for stage in all.sorted() { try attempt([stage], &memo) }
    let single = choice.trials.dropFirst()
    let byGain = single.sorted { $0.agreement.decibels > $1.agreement.decibels }
    // Stages that take no more memory than int8 everywhere, together.
    let free = single.filter { $0.arenaBytes == choice.trials[0].arenaBytes }
    var unions = [free.reduce(into: Set<Int>()) { $0.formUnion($1.stages) }], widened: Set<Int> = []
    for trial in byGain {
      widened.formUnion(trial.stages)
      unions.append(widened)
    }
    for union in unions
    where union.count > 1 && !choice.trials.contains(where: { $0.stages == union }) {
      try attempt(union, &memo)
    }
    let chosen = choice.trials[choice.chosen].stages
    return (
      choice,
      chosen == best.wideStages ? best : try draft(calibrated, wideStages: chosen, &memo)
    )
  }

  /// Lowers what is calibrated, and runs the plan on the sample.
  private func draft(
    _ calibrated: Calibrated, wideStages: Set<Int>, _ memo: inout ChoiceMemo
  ) throws(PlannerError) -> Draft {
    var lowering = Lowering(
      calibrated.network, calibrated.calibration.statistics, wideStages: wideStages,
      schedule: options.schedule, memo: memo)
    let lowered = lowering.lower()
    memo = lowering.memo
    let layout = ArenaLayout(lowered)
    let contents = contents(calibrated.original, lowered, layout)
    let bytes = contents.encoded(constants: lowered.constants, hashed: false)
    let plan = try Self.read(bytes, of: calibrated.original)
    do throws(EngineError) {
      let drift = try Drift(
        plan, calibrated.calibration, compared: calibrated.network.compared.map { $0.value },
        pictures: calibrated.pictures, sample: calibrated.sample)
      return Draft(
        wideStages: wideStages, lowered: lowered, layout: layout, contents: contents, plan: plan,
        agreement: drift.agreement, shifts: drift.shifts)
    } catch { throw .engine(error) }
  }

  private func contents(
    _ network: Network, _ lowered: LoweredNetwork, _ layout: ArenaLayout
  ) -> PlanContents {
    var tensors = lowered.tensors
    for i in tensors.indices { tensors[i].buffer = layout.bufferOfTensor[i] }
    var steps = lowered.steps
    for i in steps.indices {
      steps[i].scratchOffset = layout.scratch[i].offset
      steps[i].scratchBytes = layout.scratch[i].byteCount
    }
    var provenance: [(key: String, value: String)] = [
      (key: "planner", value: lvtVersion), (key: "network", value: network.family),
      (key: "parameters", value: "\(network.parameters)"),
      (key: "multiplications", value: "\(network.macs)"),
      (key: "arena.lowerBound", value: "\(layout.lowerBound)"),
      (key: "arena.optimal", value: layout.isOptimal ? "yes" : "no"),
    ]
    provenance += network.pixelProvenance + options.provenance
    for (i, node) in network.graph.nodes.enumerated() {
      provenance.append((key: "step.\(i)", value: node.name))
    }
    var contents = PlanContents()
    contents.input = InputSpec(
      width: network.inputSize.width, height: network.inputSize.height,
      fit: options.fit, interpolation: options.interpolation)
    contents.labels = options.labels
    contents.buffers = layout.buffers
    contents.tensors = tensors
    contents.steps = steps
    contents.outputs = lowered.outputs
    contents.threads = options.schedule.threads
    contents.arenaBytes = layout.byteCount
    contents.provenance = provenance
    contents.golden = Golden(seed: Planner.goldenSeed, stepHashes: [])
    return contents
  }

  /// Reads what was written: the planner's own plans pass the same checks as a stranger's, but for the
  /// limit of work, which is for those who run them.
  ///
  /// - Parameter network: Names the layer whose step exceeds a limit of the format.
  static func read(_ bytes: [UInt8], of network: Network) throws(PlannerError) -> Plan {
    let result: Result<Plan, PlanError> = bytes.withUnsafeBytes { buffer in
      do throws(PlanError) {
        return .success(try Plan(copying: buffer, limits: PlanLimits(work: .max)))
      } catch {
        return .failure(error)
      }
    }
    switch result {
    case .success(let plan): return plan
    case .failure(let error):
      if case .invalid(let location, let expected, let found) = error,
        let layer = layer(named: location, of: network)
      {
        throw .limit(layer: layer, expected: expected, found: found)
      }
      throw .inconsistent("\(error)")
    }
  }

  /// The layer that `step 3` or `quantization of tensor 4` stands for: a step is a node, a tensor a value.
  private static func layer(named location: String, of network: Network) -> String? {
    let words = location.split(separator: " ")
    guard words.count >= 2, let number = words.last.flatMap({ Int($0) }), number >= 0 else {
      return nil
    }
    let graph = network.graph
    switch words[words.count - 2] {
    case "step": return number < graph.nodes.count ? graph.nodes[number].name : nil
    case "tensor": return number < graph.values.count ? graph.name(of: number) : nil
    default: return nil
    }
  }

  /// The hash of each step, which must be the same for the scalar kernels and this CPU's best.
  private func golden(_ plan: Plan) throws(PlannerError) -> Golden {
    var golden = plan.golden
    golden.stepHashes = try hashes(plan, .scalar)
    let best = try hashes(plan, .best)
    if let step = best.indices.first(where: { best[$0] != golden.stepHashes[$0] }) {
      throw .inconsistent("step \(step): \(ISA.best.name) and scalar kernels differ")
    }
    return golden
  }

  private func hashes(_ plan: Plan, _ isa: ISA) throws(PlannerError) -> [UInt64] {
    do throws(EngineError) {
      return try Engine(plan: plan, threads: Agreement.threads, isa: isa)
        .stepHashes(seed: plan.golden.seed)
    } catch { throw .engine(error) }
  }
}

extension Plan {
  /// Values of int16 maps that products read as int8.
  fileprivate var narrowedElements: Int {
    steps.reduce(0) { total, step in
      let shape = tensors[step.inputs[0]].shape
      return switch step.operation {
      case .pointwise(let s) where s.narrowing != nil: total + shape.positions * shape.channels
      case .mlp(let s) where s.narrowing != nil: total + shape.positions * shape.channels
      default: total
      }
    }
  }
}

/// A finished plan and what is known of it.
public struct CompiledPlan: Sendable {
  /// The plan file.
  public let bytes: [UInt8]
  /// The network it was made from.
  public let network: Network
  /// The plan, read back.
  public let plan: Plan
  /// How each range was found.
  public let choices: [Point: RangeChoice]
  /// What the widths of the residual stream that were tried cost, and which was taken.
  public let residual: ResidualChoice
  /// No arena for these steps can be smaller.
  public let arenaLowerBound: Int
  /// Whether the arena is proved to be the smallest.
  public let arenaIsOptimal: Bool
  /// Plan against float network on the calibration pictures.
  public let agreement: Agreement

  let contents: PlanContents
  let constants: [UInt8]

  /// The plan with an evaluation's figures in its provenance.
  public func adding(_ evaluation: some Evaluation) throws(PlannerError) -> (
    bytes: [UInt8], plan: Plan
  ) {
    var contents = contents
    contents.provenance += evaluation.provenance
    let bytes = contents.encoded(constants: constants)
    return (bytes, try Planner.read(bytes, of: network))
  }
}

/// Why no plan was made.
public enum PlannerError: Error, Sendable {
  /// Calibration needs at least one picture.
  case noPictures
  /// Labels were given, but not one for each class.
  case labelCount(expected: Int, found: Int)
  /// An int16 residual stream was asked for, but convolutions, which read int8, work on the stream.
  case int8Only(family: String)
  /// A layer's values on the calibration pictures are not finite, or beyond all sense.
  case values(layer: String)
  /// A layer needs what a plan cannot hold.
  case limit(layer: String, expected: String, found: String)
  /// The engine could not be made.
  case engine(EngineError)
  /// The planner's own check of its result failed: the network exceeds a limit of the plan format, or
  /// lvt has a defect.
  case inconsistent(String)
}

extension PlannerError: CustomStringConvertible {
  /// One line.
  public var description: String {
    switch self {
    case .noPictures: "no calibration pictures: expected at least one"
    case .labelCount(let expected, let found):
      "expected \(expected) labels, one for each class, found \(found)"
    case .int8Only(let family):
      "--residual int16: expected a network whose blocks read their sums through LayerNorm or a "
        + "product, found \(family), whose convolutions read them as int8"
    case .values(let layer):
      "layer '\(layer)' makes values of more than 2⁶⁰, infinities or NaN of the calibration pictures; are "
        + "the checkpoint, --mean and --std right?"
    case .limit(let layer, let expected, let found):
      "layer '\(layer)' does not fit a plan: expected \(expected), found \(found)"
    case .engine(let error): "\(error)"
    case .inconsistent(let what): "the finished plan failed its own check: \(what)"
    }
  }
}
