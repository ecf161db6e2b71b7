// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import CLVTSystem
internal import CLVTThreads
public import LVTModel

/// Runs a plan.
///
/// An engine owns the arena and a fixed pool of threads; making one allocates everything, running it
/// allocates nothing and takes no lock. An engine is not for two callers at once.
///
/// ```swift
/// let engine = try Engine(plan: Plan(path: "model.lvt"), threads: 4)
/// engine.withPicture { pixels in … }     // write width × height RGB bytes
/// engine.run()
/// engine.logits                          // one float a class
/// ```
///
/// The result is the same, bit for bit, for every instruction set and number of threads.
public final class Engine {
  /// What the engine runs.
  public let plan: Plan
  /// The instruction set whose kernels it uses.
  public let isa: ISA
  /// Threads, the caller's included.
  public let threads: Int
  /// On which processors they run.
  public let affinity: Affinity

  private let pool: OpaquePointer
  private let arena: UnsafeMutableRawPointer
  private let workspace: Workspace
  private let waits: StepWaits
  /// Whether runs are on all threads; nil if they are always.
  private var choice: ThreadChoice?
  /// Called between steps while a run is observed.
  private var observer: ((Int) -> Void)?

  /// Allocates the arena and starts the threads.
  ///
  /// - Parameters:
  ///   - plan: The plan, which the engine keeps.
  ///   - threads: 1 … 64, the calling thread included.
  ///   - isAdaptive: Whether runs may be on the calling thread alone as long as that is faster, which it is
  ///     for tiny networks and beside busy programs. The engine then measures both now and then.
  ///   - isa: The instruction set to use; the results do not depend on it.
  ///   - affinity: The processors for the threads. It is the app that knows its other threads, so nothing is
  ///     chosen for it; ``ProcessorTopology`` recommends. The calling thread, thread 0, is the app's
  ///     and left alone: ``placeCallingThread()``.
  /// - Throws: ``EngineError``, for each of its cases.
  public init(
    plan: Plan, threads: Int = 1, isAdaptive: Bool = false, isa: ISA = .best,
    affinity: Affinity = .inherited
  ) throws(EngineError) {
    guard isa.isAvailable else { throw .unavailable(isa) }
    guard (1...PlanLimits.threads).contains(threads) else { throw .threads(requested: threads) }
    try Self.check(affinity, threads)
    // The first thread's scratch lies in the arena; the others' follow it.
    let bytes = plan.arenaBytes + (threads - 1) * plan.scratchBytes
    let available = AvailableMemory().bytes
    guard bytes <= available else { throw .memory(needed: bytes, available: available) }
    guard let arena = lvt_allocate(bytes) else { throw .outOfMemory(bytes: bytes) }
    let processors = (0..<threads).flatMap { affinity.processors(ofThread: $0)?.words ?? [] }
    var started: OpaquePointer?
    let status = lvt_pool_create(
      UInt32(threads), processors.isEmpty ? nil : processors, &started)
    guard let pool = started else {
      lvt_free(arena)
      throw .threadsRefused(
        requested: threads, reason: String(cString: lvt_thread_error_text(status)))
    }
    self.plan = plan
    self.isa = isa
    self.threads = threads
    self.affinity = affinity
    self.arena = arena
    self.pool = pool
    workspace = Workspace(plan: plan, arena: arena, isa: isa)
    waits = StepWaits(plan, threads: threads)
    outputs = plan.outputs.map { EngineOutput($0, plan, arena: arena) }
    let classes = outputs.first { $0.kind == .classes }
    logits = (classes?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0))
      .assumingMemoryBound(to: Float.self)
    choice = isAdaptive && threads > 1 ? ThreadChoice(multiplications: plan.multiplications) : nil
  }

  private static func check(_ affinity: Affinity, _ threads: Int) throws(EngineError) {
    guard let set = affinity.processors else { return }
    let allowed = ProcessorSet.allowed
    guard !set.numbers.isEmpty, set.isSubset(of: allowed) else {
      throw .processors(requested: set, allowed: allowed)
    }
    if case .pinned = affinity, set.numbers.count < threads {
      throw .tooFewProcessors(set, threads: threads)
    }
  }

  deinit {
    lvt_pool_destroy(pool)
    lvt_free(arena)
  }

  /// Restricts the calling thread to the processors of thread 0, which it is in each run.
  ///
  /// Call it on the thread that calls ``run()``, and after starting threads that need not be where the
  /// network runs, since they inherit the restriction. It lasts beyond the engine. Without it, with an ``affinity``, the
  /// other threads may wait for this one on a slower processor.
  ///
  /// - Throws: ``EngineError/placement(reason:)``
  public func placeCallingThread() throws(EngineError) {
    guard let set = affinity.processors(ofThread: 0) else { return }
    let status = lvt_processors_restrict(set.words)
    if status != 0 { throw .placement(reason: String(cString: lvt_error_text(status))) }
  }

  /// Bytes that the engine allocated: the arena, and scratch for the threads after the first.
  public var memoryBytes: Int { plan.arenaBytes + (threads - 1) * plan.scratchBytes }

  /// Gives access to the input picture: height × width RGB pixels, interleaved, no padding between rows.
  ///
  /// The bytes are valid only inside `body`. A run uses the picture up: its bytes hold other values
  /// afterwards, so write all of it each time.
  public func withPicture<R>(_ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
    body(bytes(of: 0))
  }

  /// Computes the logits of the picture.
  public func run() {
    guard let choice else { return runTogether() }
    let start = lvt_nanoseconds()
    if choice.nextIsTogether { runTogether() } else { runSteps(thread: 0, of: 1) }
    self.choice?.record(nanoseconds: lvt_nanoseconds() - start)
  }

  private func runTogether() {
    lvt_pool_run(
      pool,
      { context, thread in
        let engine = Engine.from(context)
        engine.runSteps(thread: Int(thread), of: engine.threads)
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// As ``run()``, and calls `body` after each step, while no thread works, with the step's index.
  ///
  /// ``bytes(ofTensor:)`` then gives the step's output.
  public func run(observing body: @escaping (Int) -> Void) {
    observer = body
    // What observing takes must not weigh in the choice.
    if choice?.isTogether ?? true { runTogether() } else { runSteps(thread: 0, of: 1) }
    observer = nil
  }

  /// The results, in the order of ``LVTModel/Plan/outputs``.
  ///
  /// Their values are of the last run; they lie in the engine's arena: valid while the engine lives, until the
  /// next picture is written or the next run. Copy them to keep them.
  public let outputs: [EngineOutput]

  /// The class scores of the last run, `plan.classCount` floats; none for a plan of features alone.
  ///
  /// Valid as long as ``outputs`` are.
  public let logits: UnsafeBufferPointer<Float>

  /// The bytes of a tensor, positions `pitch` apart.
  ///
  /// They hold the tensor from the end of the step that writes it until its buffer is given to
  /// another, and no longer than the engine lives.
  public func bytes(ofTensor index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(bytes(of: index))
  }

  /// A tensor as a result of the name, where it lies; valid as ``bytes(ofTensor:)`` says.
  public func value(ofTensor index: Int, name: String = "") -> EngineOutput {
    EngineOutput(PlanOutput(name: name, kind: .map, tensor: index), plan, arena: arena)
  }

  private func bytes(of tensor: Int) -> UnsafeMutableRawBufferPointer {
    let tensor = plan.tensors[tensor]
    return UnsafeMutableRawBufferPointer(
      start: arena + plan.buffers[tensor.buffer].offset, count: tensor.byteCount)
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> Engine {
    guard let context else { fatalError("the pool lost the engine") }
    return Unmanaged<Engine>.fromOpaque(context).takeUnretainedValue()
  }

  /// The share of every step of one of so many threads.
  private func runSteps(thread: Int, of threads: Int) {
    guard threads > 1 else {
      for step in 0..<workspace.stepCount {
        workspace.run(step: step, thread: 0, of: 1, pool: pool)
        observer?(step)
      }
      return
    }
    for step in 0..<workspace.stepCount {
      for other in 0..<threads where other != thread {
        let done = waits.count(before: step, thread: thread, other: other)
        if done > 0 { lvt_pool_wait(pool, UInt32(thread), UInt32(other), Self.progress(done)) }
      }
      workspace.run(step: step, thread: thread, of: threads, pool: pool)
      lvt_pool_advance(pool, UInt32(thread), Self.progress(step + 1))
      if let observer {
        lvt_pool_barrier(pool, UInt32(thread))
        if thread == 0 { observer(step) }
        lvt_pool_barrier(pool, UInt32(thread))
      }
    }
  }

  /// The pool's progress after so many steps, at most 1024.
  ///
  /// In between, a step's own barriers count: a detector has the most, 8 levels with two towers of 16
  /// convolutions and a few more.
  private static func progress(_ steps: Int) -> UInt32 { UInt32(steps) << 10 }
}
