// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct MapAttentionTests {
    static let global = checked(HandmadePlan(height: 4, width: 4), dilations: nil)
    static let dilated = checked(HandmadePlan(height: 4, width: 4), dilations: 2)

    private static func checked(
      _ empty: HandmadePlan, dilations: Int?
    ) -> CheckedStep<MapAttention> {
      var plan = empty
      let map = plan.addMap(channels: 8)
      var step = MapAttention()
      step.dilations = dilations
      step.heads = 4
      step.norm = plan.norm(8)
      step.qkv = plan.matrix(k: 8, n: 24)
      step.project = plan.matrix(k: 8, n: 8)
      let shape = plan.contents.tensors[map].shape
      let output = plan.add(.mapAttention(step), inputs: [map], shape, inBufferOf: map)
      plan.addHead(output, classes: 5)
      return CheckedStep(plan, 1, step) { .mapAttention($0) }
    }

    @Test(arguments: [true, false]) func everyFieldIsChecked(isGlobal: Bool) {
      let checked = isGlobal ? Self.global : Self.dilated
      checked.expectSound()
      checked.expectChecked(norm: \.norm)
      checked.expectChecked(matrix: \.qkv)
      checked.expectChecked(matrix: \.project)
      checked.expectChecked("multipliers of attention", \.scoreMultiplier, limit: 65536)
      checked.expectChecked("multipliers of attention", \.attendedMultiplier, limit: 65536)
      checked.expectChecked("residual multiplier", \.residualMultiplier, limit: 16384)
      checked.expectInvalid("around 0") { $0.qkv.outputZeroPoint = 1 }
      checked.expectInvalid("a zero point in") { $0.attendedZeroPoint = -129 }
      for heads in [0, 7, 16] { checked.expectInvalid("heads that divide") { $0.heads = heads } }
    }

    @Test func groupsOfDistancesDivideTheHeads() {
      for dilations in [0, 3, 8] {
        Self.dilated.expectInvalid("groups that divide") { $0.dilations = dilations }
      }
    }

    @Test func attentionToAllPositionsIsToNoMoreThanItsSumsAllow() {
      let large = Self.checked(HandmadePlan(height: 257, width: 256), dilations: 2)
      large.plan.expectValid()
      large.expectInvalid("at most 65536 positions") { $0.dilations = nil }
    }
  }
}
