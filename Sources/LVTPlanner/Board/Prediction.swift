// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// How long a plan is predicted to take on a board, step by step, by a roofline model (Williams, Waterman and
/// Patterson, "Roofline", 2009): a step takes the longer of its arithmetic and of moving its bytes.
///
/// It is made of the board's figures alone. Nothing was run.
public struct Prediction: Sendable {
  /// One step's milliseconds.
  public struct Step: Sendable {
    /// For the multiplications and what surrounds them.
    public let compute: Double
    /// For the bytes that come from main memory and go there.
    public let memory: Double
    /// The longer one.
    public var total: Double { max(compute, memory) }
  }

  /// Of each step of the plan.
  public let steps: [Step]
  /// How many threads share the work.
  public let threads: Int

  /// Milliseconds of all steps.
  public var total: Double { steps.reduce(0) { $0 + $1.total } }

  /// The prediction for the threads that the plan asks for, or for all of the board's fastest cores.
  public init(_ plan: Plan, on board: Board) {
    self.init(plan, on: board, threads: plan.threads ?? board.clusters[0].count)
  }

  /// The prediction for so many threads on the board's fastest cores.
  public init(_ plan: Plan, on board: Board, threads: Int) {
    self.threads = threads
    steps = plan.steps.map { step in
      Step(
        compute: Self.cycles(step, of: plan, on: board.clusters[0], threads: threads)
          / (Double(board.clusters[0].megahertz) * 1e3),
        memory: Double(Self.bytesMoved(step, of: plan, on: board, threads: threads))
          / (board.memory.gigabytesPerSecond * 1e6))
    }
  }

  /// Cycles until the last thread is done.
  private static func cycles(
    _ step: LVTModel.Step, of plan: Plan, on cluster: Board.Cluster, threads: Int
  ) -> Double {
    let work = step.operation.work(plan.operands(of: step))
    var cycles = 0.0
    for kind in StepWork.Kind.allCases {
      cycles += Double(work[kind]) / (cluster.perCycle[kind.name] ?? 1)
    }
    if case .head = step.operation { return cycles }
    return cycles / Double(threads)
  }

  /// Bytes between main memory and the last cache.
  ///
  /// There are none if plan and arena stay in the cache. Otherwise weights are read once a picture, and once for each of a thread's strips if they do not stay in the
  /// cache; maps that do not stay there are read and written.
  private static func bytesMoved(
    _ step: LVTModel.Step, of plan: Plan, on board: Board, threads: Int
  ) -> Int {
    let cluster = board.clusters[0]
    let cache = 1024 * max(board.sharedCacheKilobytes ?? 0, cluster.l2Kilobytes)
    if plan.constants.count + plan.arenaBytes <= cache { return 0 }
    let operands = plan.operands(of: step)
    let weights = step.operation.constantBytes
    var strips = 1
    if weights > cache / 8 * 7 {
      let own = (operands.output.shape.positions + threads - 1) / threads
      var rows = step.stripRows
      if case .windowAttention(let s) = step.operation { rows = min(rows, s.tokens) }
      strips = (own + rows - 1) / rows
    }
    guard plan.arenaBytes > cache else { return weights * strips }
    return weights * strips + operands.output.byteCount
      + operands.inputs.reduce(0) { $0 + $1.byteCount }
  }
}

/// Whether a plan fits a board's memory.
public struct MemoryFit: Sendable {
  /// The plan's file, the engine's memory, and the program with all that is around it.
  public let planBytes, engineBytes, programBytes: Int
  /// Main memory less what the system needs.
  public let availableBytes: Int

  /// `lvt-infer` with its stacks, a picture and the buffers of a camera.
  private static let programBytes = 12 << 20

  /// The fit with so many threads.
  public init(_ plan: Plan, on board: Board, threads: Int) {
    planBytes = plan.fileBytes.count
    engineBytes = plan.arenaBytes + (threads - 1) * plan.scratchBytes
    programBytes = Self.programBytes
    availableBytes = (board.memory.megabytes - board.memory.systemMegabytes) << 20
  }

  /// All that is needed.
  public var neededBytes: Int { planBytes + engineBytes + programBytes }
  /// Whether there is enough.
  public var fits: Bool { neededBytes <= availableBytes }
}
