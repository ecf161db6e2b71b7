// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct MLPTests {
    static let checked: CheckedStep<MLP> = {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8)
      var step = MLP()
      step.norm = plan.norm(8)
      step.expand = plan.matrix(k: 8, n: 12)
      step.tableOffset = plan.reserve(256)
      step.project = plan.matrix(k: 12, n: 8)
      let shape = Shape(height: 4, width: 4, channels: 8)
      let output = plan.add(.mlp(step), inputs: [map], shape, inBufferOf: map)
      plan.addHead(output, classes: 5)
      return CheckedStep(plan, 1, step) { .mlp($0) }
    }()

    @Test func everyFieldIsChecked() {
      let checked = Self.checked
      checked.expectSound()
      checked.expectChecked(matrix: \.expand)
      checked.expectChecked(matrix: \.project)
      checked.expectPlaced(\.tableOffset)
      checked.expectChecked("residual multiplier", \.residualMultiplier, limit: 16384)
      checked.expectInvalid("LayerNorm over 8") { $0.norm?.channels = 9 }
      checked.expectInvalid("an epsilon of at least") { $0.norm?.epsilon = 0 }
    }

    @Test func normalisedRowsAreNotNarrowed() {
      Self.checked.expectInvalid("a LayerNorm or a narrowing") { $0.narrowing = Narrowing() }
    }
  }
}
