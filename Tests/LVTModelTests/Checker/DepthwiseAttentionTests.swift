// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct DepthwiseAttentionTests {
    static let bySoftmax = checked { plan in
      .softmax(scoreMultiplierOffset: plan.reserve(64), attendedMultiplierOffset: plan.reserve(64))
    }
    static let byLayerNorm = checked { plan in
      .layerNorm(
        gammaOffset: plan.reserve(64), betaOffset: plan.reserve(64),
        epsilonOffset: plan.floats([Float](repeating: 1, count: 16)))
    }

    private static func checked(
      _ weighting: (inout HandmadePlan) -> DepthwiseAttention.Weighting
    ) -> CheckedStep<DepthwiseAttention> {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8)
      var step = DepthwiseAttention()
      step.kernel = 3
      step.norm = plan.norm(8)
      step.qkv = plan.matrix(k: 8, n: 48)
      step.biasOffset = plan.reserve(9 * 16 * 2)
      step.weighting = weighting(&plan)
      step.project = plan.matrix(k: 8, n: 8)
      let shape = Shape(height: 4, width: 4, channels: 8)
      let output = plan.add(.depthwiseAttention(step), inputs: [map], shape, inBufferOf: map)
      plan.addHead(output, classes: 5)
      return CheckedStep(plan, 1, step) { .depthwiseAttention($0) }
    }

    @Test(arguments: [true, false]) func everyFieldIsChecked(isSoftmax: Bool) {
      let checked = isSoftmax ? Self.bySoftmax : Self.byLayerNorm
      checked.expectSound()
      checked.expectChecked(kernel: \.kernel)
      checked.expectChecked(norm: \.norm)
      checked.expectChecked(matrix: \.qkv)
      checked.expectChecked(matrix: \.project)
      checked.expectPlaced(\.biasOffset)
      // Three parts of whole blocks, which a product over the channels alone would not fill.
      checked.expectInvalid("a matrix of") { $0.qkv.n = 24 }
      checked.expectChecked("residual multiplier", \.residualMultiplier, limit: 16384)
      checked.expectInvalid("around 0") { $0.qkv.outputZeroPoint = 1 }
      checked.expectInvalid("a zero point in") { $0.attendedZeroPoint = 128 }
    }

    // The last of the padding too, everywhere: it is used as the channels are.

    @Test func constantsOfASoftmaxAreChecked() {
      let checked = Self.bySoftmax, end = checked.plan.end
      guard case .softmax(let scores, let attended) = checked.step.weighting else { return }
      for weighting in [
        DepthwiseAttention.Weighting.softmax(
          scoreMultiplierOffset: end, attendedMultiplierOffset: attended),
        .softmax(scoreMultiplierOffset: scores, attendedMultiplierOffset: attended + 4),
      ] {
        checked.expectInvalid("constants at a multiple of 64") { $0.weighting = weighting }
      }
      for offset in [scores, scores + 60, attended, attended + 60] {
        checked.expectInvalid(
          "constants within", [-0x1p-100, Float(65536).nextUp, .nan], at: offset)
      }
    }

    @Test func constantsOfALayerNormAreChecked() {
      let checked = Self.byLayerNorm, end = checked.plan.end
      guard case .layerNorm(let gamma, let beta, let epsilon) = checked.step.weighting else {
        return
      }
      for (g, b, e) in [(end, beta, epsilon), (gamma, end, epsilon), (gamma, beta, end)] {
        checked.expectInvalid("constants at a multiple of 64") {
          $0.weighting = .layerNorm(gammaOffset: g, betaOffset: b, epsilonOffset: e)
        }
      }
      for offset in [gamma, gamma + 60, beta, beta + 60] {
        checked.expectInvalid(
          "constants within", [Float(0x1p24).nextUp, -Float(0x1p24).nextUp, .nan], at: offset)
      }
      for offset in [epsilon, epsilon + 60] {
        checked.expectInvalid(
          "constants within", [0, Float(0x1p-40).nextDown, .infinity], at: offset)
      }
    }
  }
}
