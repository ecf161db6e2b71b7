// SPDX-License-Identifier: Apache-2.0
import CLVTFuzz
import LVTModel
import LVTRuntime

/// Makes all of an engine's memory an error to touch, but for what the running step may.
///
/// That is its inputs, its output, and its scratch. Other tensors are kept, and poisoned too. Without
/// AddressSanitizer nothing is watched.
struct ArenaPoison {
  private let plan: Plan
  private let arena: UnsafeRawPointer
  private let threads: Int
  private let byteCount: Int

  init?(_ engine: Engine) {
    plan = engine.plan
    threads = engine.threads
    byteCount = engine.memoryBytes
    guard let picture = engine.bytes(ofTensor: 0).baseAddress else { return nil }
    arena = picture - plan.buffers[plan.tensors[0].buffer].offset
  }

  /// Allows what a step may touch, and nothing else.
  func allow(step index: Int) {
    lvt_poison(arena, byteCount)
    let step = plan.steps[index]
    for tensor in step.inputs + [step.output] { allow(tensor: tensor) }
    lvt_unpoison(arena + step.scratchOffset, step.scratchBytes)
    let own = step.operation.scratch(plan.operands(of: step), strip: step.stripRows).ownByteCount
    for thread in 1..<max(1, threads) {
      lvt_unpoison(arena + plan.arenaBytes + (thread - 1) * plan.scratchBytes, own)
    }
  }

  private func allow(tensor index: Int) {
    let tensor = plan.tensors[index]
    lvt_unpoison(arena + plan.buffers[tensor.buffer].offset, tensor.byteCount)
  }

  /// Allows everything again, as it must be before the engine goes.
  func allowAll() { lvt_unpoison(arena, byteCount) }
}

extension Engine {
  /// As `stepHashes(seed:)`, in poisoned memory.
  func poisonedHashes(seed: UInt64) -> [UInt64] {
    let golden = Golden(seed: seed, stepHashes: [])
    withPicture { golden.fill($0) }
    let poison = ArenaPoison(self)
    defer { poison?.allowAll() }
    var hashes: [UInt64] = []
    poison?.allow(step: 0)
    run(observing: { step in
      hashes.append(SHA256.shortHash(self.bytes(ofTensor: self.plan.steps[step].output)))
      if step + 1 < self.plan.steps.count { poison?.allow(step: step + 1) }
    })
    return hashes
  }
}
