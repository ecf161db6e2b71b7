// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct PointwiseTests {
    /// The second product's output takes over its residual.
    static let checked: CheckedStep<Pointwise> = {
      var plan = HandmadePlan(height: 4, width: 4)
      let shape = Shape(height: 4, width: 4, channels: 8)
      let map = plan.addMap(channels: 8)
      var first = Pointwise()
      first.matrix = plan.matrix(k: 8, n: 8)
      let product = plan.add(.pointwise(first), inputs: [map], shape)
      var step = Pointwise()
      step.matrix = plan.matrix(k: 8, n: 8)
      step.residual = Pointwise.Residual(multiplier: 1)
      let sum = plan.add(.pointwise(step), inputs: [product, map], shape, inBufferOf: map)
      plan.addHead(sum, classes: 5)
      return CheckedStep(plan, 2, step) { .pointwise($0) }
    }()

    @Test func everyFieldIsChecked() {
      Self.checked.expectSound()
      Self.checked.expectChecked(matrix: \.matrix, changesForm: true)
      for value in [-1, Float(16384).nextUp, .nan, .infinity] {
        Self.checked.expectInvalid("residual multiplier") { $0.residual?.multiplier = value }
      }
    }

    @Test func residualHasTheOutputsForm() {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8)
      let wide = plan.addMap(channels: 8, .int16), other = plan.addMap(channels: 24)
      var step = Pointwise()
      step.matrix = plan.matrix(k: 8, n: 8)
      step.residual = Pointwise.Residual(multiplier: 1)
      let shape = Shape(height: 4, width: 4, channels: 8)
      let sum = plan.add(.pointwise(step), inputs: [map, map], shape)
      plan.addHead(sum, classes: 5)
      let placed = plan.placed()
      placed.expectValid()
      for residual in [wide, other] {
        placed.expectInvalid("a residual of 4×4×8 and the output's type") {
          $0.contents.steps[3].inputs = [map, residual]
          $0.place()
        }
      }
    }
  }
}
