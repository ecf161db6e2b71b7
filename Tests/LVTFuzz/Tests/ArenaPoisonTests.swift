// SPDX-License-Identifier: Apache-2.0
import CLVTFuzz
import LVTRuntime
import LVTTestSupport
import Testing

@testable import LVTModel

/// The poison around a step's memory catches what it is there for.
@Suite(.enabled(if: lvt_can_poison(), "needs AddressSanitizer"))
struct ArenaPoisonTests {
  /// A plan that no reader has checked, in which a step of larger strips than it has scratch for overruns it inside the arena.
  private static func plan(isFaulty: Bool) throws -> Plan {
    let file = try tinyPlanBytes()
    var contents = PlanContents(try LVTTestSupport.plan(file))
    contents.arenaBytes += 1 << 20
    for (i, step) in contents.steps.enumerated() {
      guard isFaulty, case .mlp = step.operation else { continue }
      contents.steps[i].stripRows = 1
      contents.steps[i].placeScratch(at: step.scratchOffset, contents.tensors)
      contents.steps[i].stripRows = 64
    }
    let storage = try file.withUnsafeBytes { try PlanStorage(copying: $0) }
    var reader = PlanReader(file: storage.bytes)
    _ = try reader.read()
    return Plan(storage: storage, contents: contents, constants: reader.constants)
  }

  private static func run(isFaulty: Bool, threads: Int) throws {
    let engine = try Engine(plan: plan(isFaulty: isFaulty), threads: threads)
    _ = engine.poisonedHashes(seed: 1)
  }

  @Test func stepThatOverrunsItsScratchIsCaught() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { try Self.run(isFaulty: true, threads: 1) }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("use-after-poison"))
  }

  @Test(arguments: [1, 3])
  func stepsThatKeepToTheirsAreNot(threads: Int) throws {
    try Self.run(isFaulty: false, threads: threads)
  }
}
