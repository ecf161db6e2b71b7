// SPDX-License-Identifier: Apache-2.0
import LVT
import LVTModel
import LVTTestSupport
import Testing

@testable import LVTRuntime

@Suite struct StepWaitsTests {
  private func plan() throws -> Plan {
    var network = TinyNetwork()
    network.embed = 24
    network.depths = [2, 1, 1]
    network.input = 56
    return try network.compile(pictures: 2).plan
  }

  /// Of each step and thread, how many steps of each thread are done before it: by its waits, by what it did
  /// itself, and by what those it waited for had waited for.
  private func done(_ waits: StepWaits, steps: Int, threads: Int) -> [[[Int]]] {
    var done: [[[Int]]] = []
    for step in 0..<steps {
      done.append(
        (0..<threads).map { thread in
          var known = step == 0 ? [Int](repeating: 0, count: threads) : done[step - 1][thread]
          known[thread] = step
          for other in 0..<threads where other != thread {
            let count = waits.count(before: step, thread: thread, other: other)
            guard count > 0 else { continue }
            #expect(count <= step, "a wait for what comes later would never end")
            for (i, indirect) in done[count - 1][other].enumerated() {
              known[i] = max(known[i], indirect)
            }
            known[other] = max(known[other], count)
          }
          return known
        })
    }
    return done
  }

  @Test(arguments: [2, 3, 4, 7])
  func whatTwoThreadsTouchIsInTheOrderOfTheSteps(threads: Int) throws {
    let plan = try plan(), steps = plan.steps.count
    let done = done(StepWaits(plan, threads: threads), steps: steps, threads: threads)
    let touched = (0..<steps).map { step in
      (0..<threads).map { TouchedBytes(plan, step: step, thread: $0, of: threads) }
    }
    for later in 0..<steps {
      for earlier in 0..<later {
        for thread in 0..<threads {
          for other in 0..<threads where other != thread {
            guard touched[later][thread].conflicts(with: touched[earlier][other]) else { continue }
            #expect(
              done[later][thread][other] > earlier,
              "step \(later) of thread \(thread) before step \(earlier) of thread \(other)")
          }
        }
      }
    }
  }

  @Test func threadsDoNotMeetAfterEachStepWhereRowsDivideEvenly() throws {
    let plan = try plan()
    let waits = StepWaits(plan, threads: 2)
    let steps = plan.steps.indices.filter { plan.tensors[plan.steps[$0].output].shape.height == 28 }
    let waiting = steps.filter { waits.count(before: $0, thread: 1, other: 0) > 0 }
    #expect(!waiting.isEmpty)
    #expect(2 * waiting.count < steps.count)
  }

  @Test func partsOfAStepCoverItAndShareNoOutput() throws {
    let plan = try plan()
    for step in plan.steps.indices {
      let parts = (0..<3).map { TouchedBytes(plan, step: step, thread: $0, of: 3) }
      guard plan.steps[step].operation.division != .together else { continue }
      let output = plan.tensors[plan.steps[step].output]
      let start = plan.buffers[output.buffer].offset
      let written = parts.map { $0.written[0] }
      #expect(written[0].lowerBound == start)
      #expect(written[2].upperBound == start + output.byteCount)
      #expect(written[0].upperBound == written[1].lowerBound)
      #expect(written[1].upperBound == written[2].lowerBound)
    }
  }
}
