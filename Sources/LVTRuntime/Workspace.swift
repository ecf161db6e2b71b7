// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

/// A plan's tensors, constants and scratch at their addresses, and the kernels that work on them.
struct Workspace {
  let steps: [Step]
  let kernels: lvt_kernels
  private let tensors: [Tensor]
  private let buffers: [Buffer]
  private let constants: UnsafeRawBufferPointer
  private let arena: UnsafeMutableRawPointer
  private let arenaBytes: Int
  private let scratchBytes: Int

  init(plan: Plan, arena: UnsafeMutableRawPointer, isa: ISA) {
    steps = plan.steps
    tensors = plan.tensors
    buffers = plan.buffers
    constants = plan.constants
    kernels = lvt_kernels_select(isa.allowed)
    self.arena = arena
    arenaBytes = plan.arenaBytes
    scratchBytes = plan.scratchBytes
  }

  /// The bytes of a tensor in the arena.
  func bytes(of index: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: arena + buffers[tensors[index].buffer].offset, count: tensors[index].byteCount)
  }

  /// Runs the share of a step of one of so many threads.
  ///
  /// `barrier` waits for the other threads in the middle of it.
  func run(step index: Int, thread: Int, of threads: Int, barrier: () -> Void) {
    let step = steps[index]
    let share = Share(
      input: map(step.input), output: map(step.output),
      scratch: thread == 0
        ? arena + step.scratchOffset : arena + arenaBytes + (thread - 1) * scratchBytes,
      sharedScratch: arena + step.scratchOffset,
      strip: step.stripRows, thread: thread, threads: threads)
    switch step.operation {
    case .patchEmbed(let s): run(s, share)
    case .pointwise(let s): run(s, share)
    case .depthwise(let s): run(s, share, barrier: barrier)
    case .dynamicDepthwise(let s): run(s, share, barrier: barrier)
    case .inhomogeneousDepthwise(let s): run(s, share, barrier: barrier)
    case .mlp(let s): run(s, share)
    case .patchMerge(let s): run(s, share)
    case .head(let s): run(s, share)
    case .windowAttention(let s): run(s, share)
    case .mapAttention(let s): run(s, share, barrier: barrier)
    case .depthwiseAttention(let s): run(s, share, barrier: barrier)
    case .convolution(let s): run(s, share)
    }
  }

  /// A tensor at its address.
  func map(_ index: Int) -> Map {
    let tensor = tensors[index]
    return Map(
      base: arena + buffers[tensor.buffer].offset, shape: tensor.shape, type: tensor.type,
      pitch: tensor.pitch,
      zeroPoint: Int32(tensor.quantization.zeroPoint), scale: tensor.quantization.scale)
  }

  /// The address of constants; the plan's reader has checked that they are there.
  func constant<T>(_ offset: Int, as type: T.Type) -> UnsafePointer<T>? {
    constants.baseAddress.map { ($0 + offset).assumingMemoryBound(to: T.self) }
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

/// What one thread does of a step.
struct Share {
  let input: Map
  let output: Map
  /// Scratch that no other thread uses.
  let scratch: UnsafeMutableRawPointer
  /// The first thread's scratch, for what all threads use.
  let sharedScratch: UnsafeMutableRawPointer
  /// Positions of the largest strip.
  let strip: Int
  let thread: Int
  let threads: Int

  /// This thread's part of `count` rows or positions, which are divided evenly in order.
  func range(of count: Int) -> Range<Int> {
    count * thread / threads..<count * (thread + 1) / threads
  }

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
  /// Calls `body` with consecutive parts of at most `rows`, as few and as equal as can be.
  func forEachStrip(rows: Int, _ body: (Range<Int>) -> Void) {
    let strips = (count + rows - 1) / rows
    for i in 0..<strips {
      body(lowerBound + count * i / strips..<lowerBound + count * (i + 1) / strips)
    }
  }
}
