// SPDX-License-Identifier: Apache-2.0
import LVT
import LVTTestSupport
import Testing

@testable import LVTRuntime

@Suite struct ThreadChoiceTests {
  /// The share of `runs` that are on all threads, where a run alone and one together take so long.
  private func together(
    _ choice: inout ThreadChoice, runs: Int, alone: UInt64, together: UInt64
  ) -> Double {
    var count = 0
    for _ in 0..<runs {
      let isTogether = choice.nextIsTogether
      if isTogether { count += 1 }
      choice.record(nanoseconds: isTogether ? together : alone)
    }
    return Double(count) / Double(runs)
  }

  @Test(arguments: [1_000, 1_000_000_000])
  func fasterWayIsFoundFromEitherStart(multiplications: Int) {
    var choice = ThreadChoice(multiplications: multiplications)
    _ = together(&choice, runs: 60, alone: 1000, together: 600)
    #expect(choice.isTogether)
    #expect(together(&choice, runs: 100_000, alone: 1000, together: 600) > 0.95)
    choice = ThreadChoice(multiplications: multiplications)
    _ = together(&choice, runs: 60, alone: 150, together: 900)
    #expect(!choice.isTogether)
    // Trials cost a fiftieth of the time; each run of one takes five runs' time too much.
    #expect(together(&choice, runs: 100_000, alone: 150, together: 900) < 0.005)
  }

  @Test func fewOperationsStartOnOneThread() {
    #expect(!ThreadChoice(multiplications: 17_000_000).nextIsTogether)
    #expect(ThreadChoice(multiplications: 433_000_000).nextIsTogether)
  }

  @Test func neighbourThatComesAndGoesIsNoticedWithinSomeRuns() {
    var choice = ThreadChoice(multiplications: 1_000_000_000)
    _ = together(&choice, runs: 500, alone: 20_000, together: 11_000)
    #expect(choice.isTogether)
    _ = together(&choice, runs: 120, alone: 30_000, together: 60_000)
    #expect(!choice.isTogether)
    _ = together(&choice, runs: 120, alone: 20_000, together: 11_000)
    #expect(choice.isTogether)
  }

  @Test func oneSlowRunChangesNothing() {
    var choice = ThreadChoice(multiplications: 1_000_000_000)
    _ = together(&choice, runs: 100, alone: 1000, together: 900)
    choice.record(nanoseconds: 5_000)
    #expect(choice.isTogether)
  }

  /// Alone, together and observed: the same bits.
  @Test func logitsDoNotDependOnTheChoice() throws {
    let plan = try plan(tinyPlanBytes())
    let picture = TinyNetwork().pictures(1)[0]
    let expected = try runPlan(plan, picture)
    let engine = try Engine(plan: plan, threads: 3, isAdaptive: true)
    for _ in 0..<200 {
      engine.withPicture { $0.copyBytes(from: picture) }
      engine.run()
      #expect(Array(engine.logits) == expected)
    }
    #expect(engine.firstMismatch() == nil)
  }
}
