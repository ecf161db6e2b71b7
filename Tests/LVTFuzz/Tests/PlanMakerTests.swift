// SPDX-License-Identifier: Apache-2.0
import LVTModel
import Testing

/// What the plans that are drawn have among them.
@Suite struct PlanMakerTests {
  private static let inputs: [[UInt8]] = (0..<300).map { PlanMaker.input($0) }

  private static func contents(_ input: [UInt8]) -> PlanContents {
    input.withUnsafeBytes { PlanMaker(Entropy($0)).contents() }
  }

  @Test func plansHaveFeaturesSeveralResultsAndOlderResiduals() {
    let plans = Self.inputs.map(Self.contents)
    func count(_ isSuch: (PlanContents) -> Bool) -> Int { plans.filter(isSuch).count }
    #expect(count { $0.outputs.allSatisfy { $0.kind == .map } } > 20)
    #expect(count { $0.outputs.contains { $0.kind == .classes } } > 100)
    #expect(count { $0.outputs.count > 1 } > 20)
    // Of an older step, of the step before, and in the residual's buffer.
    #expect(
      count { $0.steps.contains { $0.inputs.count == 2 && $0.inputs[1] < $0.inputs[0] } } > 10)
    #expect(
      count { $0.steps.contains { $0.inputs.count == 2 && $0.inputs[1] == $0.inputs[0] } } > 5)
    #expect(
      count { plan in
        plan.steps.contains {
          $0.inputs.count == 2
            && plan.tensors[$0.inputs[1]].buffer == plan.tensors[$0.output].buffer
        }
      } > 5)
  }

  @Test func plansHaveDetectorsOfTwoStagesWithMasks() {
    let plans = Self.inputs.map(Self.contents)
    func count(_ names: [String]) -> Int {
      plans.count { plan in names.allSatisfy { plan.steps.map(\.operation.name).contains($0) } }
    }
    #expect(count(["proposals", "boxHead", "boxes"]) > 20)
    #expect(count(["subsample", "refineBoxes", "masks"]) > 3)
    #expect(count(["detect", "masks"]) > 3)
    // Most of them can be run in the time that an input has.
    let files = (0..<UInt64(Self.inputs.count)).filter { PlanMaker.smallDetector($0) != nil }
    #expect(files.count > count(["boxHead"]) / 2)
  }

  @Test func plansAreValidAndGiveTheSameEverywhere() throws {
    for input in Self.inputs.prefix(100) {
      try input.withUnsafeBytes { try Fuzzer.madePlans.run($0) }
    }
  }
}
