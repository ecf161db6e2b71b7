// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTRuntime
import Testing

@testable import LVTPlanner

/// Graphs of any shape are planned soundly and run alike everywhere.
@Suite struct RandomGraphTests {
  /// 300 graphs, in parts that run beside each other.
  @Test(arguments: 0..<30)
  func graphsArePlannedAndRun(part: Int) throws {
    for number in 0..<10 {
      let seed = UInt64(10 * part + number)
      let network = try RandomGraph.network(seed: seed)
      let pictures = RandomGraph.pictures(6, seed: seed)
      let plan = try Planner().compile(network, pictures: pictures).plan
      expectNoLiveOverlap(plan, "seed \(seed)")
      let worst = try worstDecibels(network, plan, pictures)
      #expect(worst >= 25, "seed \(seed): \(worst) dB, \(network.stepCount) steps")
      try expectSameEverywhere(plan, pictures[0], "seed \(seed)")
    }
  }

  /// Bytes that are needed later are no other's, whatever the plan says of its buffers.
  private func expectNoLiveOverlap(_ plan: Plan, _ name: String) {
    func range(_ tensor: Int) -> Range<Int> {
      let start = plan.buffers[plan.tensors[tensor].buffer].offset
      return start..<start + plan.tensors[tensor].byteCount
    }
    var lastUse = [Int](repeating: -1, count: plan.tensors.count)
    for (i, step) in plan.steps.enumerated() { for input in step.inputs { lastUse[input] = i } }
    for output in plan.outputs { lastUse[output.tensor] = plan.steps.count }
    var made = [0]
    for (i, step) in plan.steps.enumerated() {
      let scratch = step.scratchOffset..<step.scratchOffset + step.scratchBytes
      let needed = made.filter { lastUse[$0] > i }
      for tensor in needed {
        #expect(!range(tensor).overlaps(range(step.output)), "\(name), step \(i)")
      }
      for tensor in Set(made.filter { lastUse[$0] >= i } + [step.output])
      where !scratch.isEmpty {
        #expect(!range(tensor).overlaps(scratch), "\(name), step \(i)")
      }
      made.append(step.output)
    }
  }

  /// The signal-to-noise ratio of the worst result.
  private func worstDecibels(
    _ network: Network, _ plan: Plan, _ pictures: [[UInt8]]
  ) throws -> Double {
    let executor = FloatExecutor(network), engine = try Engine(plan: plan)
    var signal = [Double](repeating: 0, count: plan.outputs.count), noise = signal
    for picture in pictures {
      let float = executor.outputs(executor.normalized(picture))
      engine.run(picture: picture)
      for (i, output) in engine.outputs.enumerated() {
        for (a, b) in zip(float[i], output.values) {
          signal[i] += Double(a) * Double(a)
          noise[i] += Double(a - b) * Double(a - b)
        }
      }
    }
    return zip(signal, noise).map { decibels($0, $1) }.min() ?? 0
  }

  private func expectSameEverywhere(_ plan: Plan, _ picture: [UInt8], _ name: String) throws {
    var expected: [[UInt8]]?
    for isa in ISA.available {
      for threads in 1...4 {
        let engine = try Engine(plan: plan, threads: threads, isa: isa)
        engine.run(picture: picture)
        let found = engine.outputs.map { Array($0.bytes) }
        #expect(found == expected ?? found, "\(name): \(isa.name), \(threads) threads")
        expected = found
        #expect(engine.firstMismatch() == nil, "\(name): \(isa.name), \(threads) threads")
      }
    }
  }
}
