// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import CLVTThreads
internal import LVTModel

/// A plan's steps bound to the arena: every operand at its address, so that a run looks nothing up.
final class Workspace {
  private let steps: UnsafeMutableBufferPointer<BoundStep>
  private let operands: UnsafeMutablePointer<Map>
  private let kernels: lvt_kernels
  private let constants: UnsafeRawPointer?
  /// Where the scratch of the threads after the first starts.
  private let furtherScratch: UnsafeMutableRawPointer
  private let scratchBytes: Int

  init(plan: Plan, arena: UnsafeMutableRawPointer, isa: ISA) {
    constants = plan.constants.baseAddress
    kernels = lvt_kernels_select(isa.allowed)
    furtherScratch = arena + plan.arenaBytes
    scratchBytes = plan.scratchBytes
    let count = plan.steps.reduce(0) { $0 + $1.inputs.count }
    operands = .allocate(capacity: count)
    steps = .allocate(capacity: plan.steps.count)
    var next = operands
    for (i, step) in plan.steps.enumerated() {
      let inputs = next
      for tensor in step.inputs {
        next.initialize(to: Map(plan, tensor: tensor, arena: arena))
        next += 1
      }
      steps.initializeElement(
        at: i,
        to: BoundStep(
          operation: step.operation, inputs: inputs,
          output: Map(plan, tensor: step.output, arena: arena),
          scratch: arena + step.scratchOffset, strip: step.stripRows))
    }
  }

  deinit {
    operands.deallocate()
    steps.deallocate()
  }

  var stepCount: Int { steps.count }

  /// Runs the share of a step of one of so many threads, which may wait for the others in the middle of it.
  func run(step index: Int, thread: Int, of threads: Int, pool: OpaquePointer) {
    let step = steps[index]
    var run = StepRun(
      share: Share(
        inputs: step.inputs, output: step.output,
        scratch: thread == 0 ? step.scratch : furtherScratch + (thread - 1) * scratchBytes,
        sharedScratch: step.scratch, furtherScratch: furtherScratch, scratchBytes: scratchBytes,
        strip: step.strip, thread: thread, threads: threads),
      kernels: kernels, constants: constants, pool: pool)
    step.operation.visit(&run)
  }
}

/// A step with its operands at their addresses.
private struct BoundStep {
  let operation: Step.Operation
  let inputs: UnsafePointer<Map>
  let output: Map
  let scratch: UnsafeMutableRawPointer
  let strip: Int
}

/// One thread's run of a step; `visit` of each operation is in its file.
struct StepRun: StepVisitor {
  typealias Result = Void
  typealias Failure = Never

  let share: Share
  let kernels: lvt_kernels
  let constants: UnsafeRawPointer?
  let pool: OpaquePointer

  /// The address of constants; the plan's reader has checked that they are there.
  func constant<T>(_ offset: Int, as type: T.Type) -> UnsafePointer<T>? {
    constants.map { ($0 + offset).assumingMemoryBound(to: T.self) }
  }

  /// Waits for the other threads.
  func barrier() {
    if share.threads > 1 { lvt_pool_barrier(pool, UInt32(share.thread)) }
  }
}

/// A quantized map in the arena.
struct Map {
  let base: UnsafeMutableRawPointer
  let shape: Shape
  let type: ElementType
  /// Bytes from one position to the next.
  let pitch: Int
  let zeroPoint: Int32
  let scale: Float

  /// The address of a position, in raster order.
  func position(_ index: Int) -> UnsafeMutablePointer<Int8> {
    (base + index * pitch).assumingMemoryBound(to: Int8.self)
  }
}

extension Map {
  /// A tensor at its address.
  init(_ plan: Plan, tensor index: Int, arena: UnsafeMutableRawPointer) {
    let tensor = plan.tensors[index]
    base = arena + plan.buffers[tensor.buffer].offset
    shape = tensor.shape
    type = tensor.type
    pitch = tensor.pitch
    zeroPoint = Int32(tensor.quantization.zeroPoint)
    scale = tensor.quantization.scale
  }
}

/// What one thread does of a step.
struct Share {
  /// As many as the operation has.
  let inputs: UnsafePointer<Map>
  let output: Map
  /// Scratch that no other thread uses.
  let scratch: UnsafeMutableRawPointer
  /// The first thread's scratch, for what all threads use.
  let sharedScratch: UnsafeMutableRawPointer
  /// The scratch of the threads after the first, one after the other.
  let furtherScratch: UnsafeMutableRawPointer
  /// Bytes of each of theirs.
  let scratchBytes: Int
  /// Positions of the largest strip.
  let strip: Int
  let thread: Int
  let threads: Int

  /// The first input.
  var input: Map { inputs[0] }

  /// What is a thread's own.
  func scratch(ofThread thread: Int) -> UnsafeMutableRawPointer {
    thread == 0 ? sharedScratch : furtherScratch + (thread - 1) * scratchBytes
  }

  /// This thread's part of `count` rows or positions, which are divided evenly in order.
  func range(of count: Int) -> Range<Int> { Range(part: thread, of: threads, in: count) }

  /// Calls `body` with consecutive parts, of at most `rows`, of this thread's part of `count`.
  func forEachStrip(of count: Int, rows: Int, _ body: (Range<Int>) -> Void) {
    range(of: count).forEachStrip(rows: rows, body)
  }

  func scratch<T>(_ offset: Int, as type: T.Type) -> UnsafeMutablePointer<T> {
    (scratch + offset).assumingMemoryBound(to: T.self)
  }

  func sharedScratch<T>(_ offset: Int, as type: T.Type) -> UnsafeMutablePointer<T> {
    (sharedScratch + offset).assumingMemoryBound(to: T.self)
  }
}

extension Range<Int> {
  /// A thread's part of `count` rows or positions, which are divided evenly in order.
  init(part thread: Int, of threads: Int, in count: Int) {
    self = count * thread / threads..<count * (thread + 1) / threads
  }

  /// Calls `body` with consecutive parts of at most `rows`, as few and as equal as can be.
  func forEachStrip(rows: Int, _ body: (Range<Int>) -> Void) {
    let strips = (count + rows - 1) / rows
    for i in 0..<strips {
      body(lowerBound + count * i / strips..<lowerBound + count * (i + 1) / strips)
    }
  }
}
