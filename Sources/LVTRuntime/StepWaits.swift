// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// For which of the others' steps a thread waits before each of its own.
///
/// Threads do not meet after each step: a thread goes on as soon as what it reads has been written and what it
/// writes has been read. Both follow from the bytes of the arena that each thread touches in each step, so
/// buffers that follow each other in one place need no special case.
struct StepWaits {
  /// `[step][thread][other]`: how many of the other thread's steps must be done; 0 if that is known already.
  ///
  /// A plan has at most 1024 steps.
  private let counts: [UInt16]
  private let threads: Int

  /// Steps that are looked back over: a wait for an earlier one is made a wait for the last of these, which is
  /// never wrong.
  private static let reach = 64

  /// The waits of so many threads; none for a thread alone.
  init(_ plan: Plan, threads: Int) {
    self.threads = threads
    guard threads > 1 else {
      counts = []
      return
    }
    let steps = plan.steps.count
    let touched = (0..<steps).map { step in
      (0..<threads).map { TouchedBytes(plan, step: step, thread: $0, of: threads) }
    }
    var counts = [UInt16](repeating: 0, count: steps * threads * threads)
    // How many of its steps each thread knows each other to have done.
    var known = [Int](repeating: 0, count: threads * threads)
    for step in 0..<steps {
      for thread in 0..<threads {
        for other in 0..<threads where other != thread {
          let pair = thread * threads + other
          let first = max(known[pair], step - Self.reach)
          let conflict = stride(from: step - 1, through: first, by: -1).first {
            touched[step][thread].conflicts(with: touched[$0][other])
          }
          let needed = conflict.map { $0 + 1 } ?? first
          if needed > known[pair] {
            known[pair] = needed
            counts[step * threads * threads + pair] = UInt16(needed)
          }
        }
      }
    }
    self.counts = counts
  }

  /// Steps of the other thread that must be done before a thread's step; 0 for no wait.
  func count(before step: Int, thread: Int, other: Int) -> Int {
    Int(counts[(step * threads + thread) * threads + other])
  }
}

/// What of the arena and of the scratch behind it a thread reads and writes in a step.
struct TouchedBytes {
  private(set) var read: [Range<Int>] = []
  private(set) var written: [Range<Int>] = []

  init(_ plan: Plan, step index: Int, thread: Int, of threads: Int) {
    let step = plan.steps[index]
    let inputs = step.inputs.map { plan.tensors[$0] }
    let output = plan.tensors[step.output]
    func bytes(_ tensor: Tensor, positions: Range<Int>) -> Range<Int> {
      let base = plan.buffers[tensor.buffer].offset
      return base + positions.lowerBound * tensor.pitch..<base + positions.upperBound * tensor.pitch
    }
    func bytes(_ tensor: Tensor, rows: Range<Int>) -> Range<Int> {
      let rows = rows.clamped(to: 0..<tensor.shape.height), width = tensor.shape.width
      return bytes(tensor, positions: rows.lowerBound * width..<rows.upperBound * width)
    }
    let positions = Range(part: thread, of: threads, in: output.shape.positions)
    let rows = Range(part: thread, of: threads, in: output.shape.height)
    switch step.operation.division {
    case .together:
      read = [0..<Int.max]
      written = [0..<Int.max]
      return
    case .positions:
      read = inputs.map { bytes($0, positions: positions) }
      written = [bytes(output, positions: positions)]
    case .merged:
      let width = output.shape.width
      let top = positions.lowerBound / width, bottom = (positions.upperBound + width - 1) / width
      read = inputs.map { bytes($0, rows: 2 * top..<2 * bottom) }
      written = [bytes(output, positions: positions)]
    case .rows(let kernel, let stride, let padding):
      // A thread without rows copies its neighbours' all the same.
      let first = rows.lowerBound * stride - padding
      let end = max(first, (rows.upperBound - 1) * stride - padding + kernel)
      read = inputs.map { bytes($0, rows: first..<end) }
      written = [bytes(output, rows: rows)]
    }
    // The first thread's scratch lies among the buffers, and is written even where the thread has no part of
    // the output. That of the others is theirs alone here.
    if thread == 0 {
      let need = step.operation.scratch(
        Operands(inputs: inputs, output: output), strip: step.stripRows)
      written.append(step.scratchOffset..<step.scratchOffset + need.byteCount)
    }
  }

  /// Whether either writes what the other touches.
  func conflicts(with other: TouchedBytes) -> Bool {
    Self.overlap(written, other.written) || Self.overlap(written, other.read)
      || Self.overlap(read, other.written)
  }

  private static func overlap(_ some: [Range<Int>], _ others: [Range<Int>]) -> Bool {
    some.contains { a in others.contains { a.overlaps($0) } }
  }
}
