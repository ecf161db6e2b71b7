// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct DepthwiseTests {
    static let fixed: CheckedStep<Depthwise> = {
      var plan = HandmadePlan(height: 4, width: 4)
      var step = Depthwise()
      step.kernel = 3
      step.filter = plan.matrix(k: Depthwise.paddedTaps(3), n: 8)
      step.residualMultiplier = 1
      return checked(plan, step) { .depthwise($0) }
    }()

    static let dynamic: CheckedStep<DynamicDepthwise> = {
      var plan = HandmadePlan(height: 4, width: 4)
      var step = DynamicDepthwise()
      step.kernel = 3
      step.squeeze = plan.matrix(k: 8, n: 4)
      step.squeezeBiasOffset = plan.reserve(16)
      step.expand = plan.matrix(k: 4, n: 144)
      step.expandBiasOffset = plan.reserve(4 * 144)
      step.biasOffset = plan.reserve(64)
      return checked(plan, step) { .dynamicDepthwise($0) }
    }()

    static let inhomogeneous: CheckedStep<InhomogeneousDepthwise> = {
      var plan = HandmadePlan(height: 4, width: 4)
      var step = InhomogeneousDepthwise()
      step.kernel = 3
      step.groups = 4
      step.squeeze = plan.matrix(k: 8, n: 4)
      step.expand = plan.matrix(k: 4, n: 40)
      step.multiplierOffset = plan.reserve(64)
      step.biasOffset = plan.reserve(64)
      return checked(plan, step) { .inhomogeneousDepthwise($0) }
    }()

    private static func checked<S: Sendable>(
      _ plan: HandmadePlan, _ step: S, _ wrap: @escaping @Sendable (S) -> Step.Operation
    ) -> CheckedStep<S> {
      var plan = plan
      let map = plan.addMap(channels: 8), shape = Shape(height: 4, width: 4, channels: 8)
      let output = plan.add(wrap(step), inputs: [map], shape, inBufferOf: map)
      plan.addHead(output, classes: 5)
      return CheckedStep(plan, 1, step, wrap)
    }

    @Test func everyFieldIsChecked() {
      let checked = Self.fixed
      checked.expectSound()
      checked.expectChecked(kernel: \.kernel)
      checked.expectChecked(matrix: \.filter)
      checked.expectInvalid("a matrix of") { $0.kernel = 5 }
      for value in [-1, Float(16384).nextUp, .nan, .infinity] {
        checked.expectInvalid("residual multiplier") { $0.residualMultiplier = value }
      }
    }

    @Test func everyFieldOfADynamicStepIsChecked() {
      let checked = Self.dynamic
      checked.expectSound()
      checked.expectChecked(kernel: \.kernel)
      checked.expectInvalid("a matrix of") { $0.kernel = 1 }
      checked.expectChecked("a mean multiplier", \.meanMultiplier, limit: 0.5)
      checked.expectChecked(matrix: \.squeeze)
      checked.expectChecked(matrix: \.expand)
      let biases: [WritableKeyPath<DynamicDepthwise, Int>] = [
        \.squeezeBiasOffset, \.expandBiasOffset, \.biasOffset,
      ]
      for offset in biases { checked.expectPlaced(offset) }
      let infinite: [Float] = [.infinity, .nan], wrong = infinite + [Float(0x1p120).nextUp]
      checked.expectInvalid("constants within", wrong, at: checked.step.squeezeBiasOffset)
      checked.expectInvalid("constants within", wrong, at: checked.step.expandBiasOffset)
      checked.expectInvalid("finite constants", infinite, at: checked.step.biasOffset)
    }

    @Test func everyFieldOfAnInhomogeneousStepIsChecked() {
      let checked = Self.inhomogeneous
      checked.expectSound()
      checked.expectChecked(kernel: \.kernel)
      checked.expectInvalid("a matrix of") { $0.kernel = 5 }
      for groups in [0, 3, 16, Int(UInt32.max)] {
        checked.expectInvalid("groups that divide") { $0.groups = groups }
      }
      checked.expectInvalid("a matrix of") { $0.groups = 2 }
      checked.expectChecked(matrix: \.squeeze)
      checked.expectChecked(matrix: \.expand)
      checked.expectPlaced(\.multiplierOffset)
      checked.expectPlaced(\.biasOffset)
      // The last of the padding too: it is used as the channels are.
      for place in [0, 60] {
        checked.expectInvalid(
          "constants within", [Float(0.5).nextUp, -0.6, .nan],
          at: checked.step.multiplierOffset + place)
        checked.expectInvalid(
          "constants within", [Float(0x1p24).nextUp, -.infinity],
          at: checked.step.biasOffset + place)
      }
    }
  }
}
