// SPDX-License-Identifier: Apache-2.0
import CLVTFuzz
import LVT

/// Runs a plan in poisoned memory on all instruction sets and several threads, whose results must be the same.
struct PlanTrial {
  /// Work that an input may ask for: some milliseconds.
  static let limits = PlanLimits(work: 8_000_000)
  private static let seed: UInt64 = 5

  let plan: Plan

  /// - Throws: ``Finding``
  func run() throws {
    let file = FilePoison(plan)
    defer { file.allowAll() }
    var expected: [UInt64]?
    let machines = ISA.available.map { ($0, 1) } + [2, 3].map { (ISA.best, $0) }
    for (isa, threads) in machines {
      let engine: Engine
      do throws(EngineError) { engine = try Engine(plan: plan, threads: threads, isa: isa) } catch {
        _ = error.description
        return
      }
      let found = engine.poisonedHashes(seed: Self.seed)
      let differing = found.indices.first { found[$0] != expected?[$0] ?? found[$0] }
      if let step = differing { throw different(step, "\(isa.name), threads: \(threads)") }
      for output in engine.plan.outputs {
        guard let step = plan.steps.firstIndex(where: { $0.output == output.tensor }),
          SHA256.shortHash(engine.bytes(ofTensor: output.tensor)) != found[step]
        else { continue }
        throw Finding(description: "\(output.name) is not at the end what step \(step) made")
      }
      expected = found
    }
    try classify()
  }

  private func different(_ index: Int, _ machine: String) -> Finding {
    let step = plan.steps[index]
    return Finding(
      description: "step \(index) differs on \(machine), strips of \(step.stripRows): "
        + "\(plan.operands(of: step).inputs) -> \(plan.tensors[step.output]) \(step.operation)")
  }

  /// What is said of a picture.
  private func classify() throws {
    // Not every input can be made of a picture.
    guard let classifier = try? Classifier(engine: Engine(plan: plan)) else { return }
    let pixels = [UInt8](repeating: 77, count: 5 * 7)
    let result = pixels.withUnsafeBytes {
      try? classifier.classify(ImageView(format: .gray8, width: 5, height: 7, bytes: $0))
    }
    guard let result else { return }
    let outputs = classifier.engine.outputs
    let line = FeatureLine(file: "", outputs: outputs, milliseconds: 1)
    _ = line.text
    if outputs.allSatisfy({ $0.bytes.count <= 1 << 14 }) { _ = line.json }
    _ = ResultLine(file: "", classification: result, milliseconds: 1).json(top: 3, logits: true)
    for candidate in result.top(3) where !(0...1).contains(candidate.probability) {
      throw Finding(description: "a probability of \(candidate.probability)")
    }
  }
}

/// Makes all of a plan's file but its constants an error to touch.
private struct FilePoison {
  private let file: UnsafeRawBufferPointer

  init(_ plan: Plan) {
    file = plan.fileBytes
    guard let base = file.baseAddress, let constants = plan.constants.baseAddress else { return }
    lvt_poison(base, file.count)
    lvt_unpoison(constants, plan.constants.count)
  }

  func allowAll() { lvt_unpoison(file.baseAddress, file.count) }
}
