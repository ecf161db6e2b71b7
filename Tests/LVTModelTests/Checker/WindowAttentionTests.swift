// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct WindowAttentionTests {
    static let checked: CheckedStep<WindowAttention> = {
      var plan = HandmadePlan(height: 5, width: 4)
      let map = plan.addMap(channels: 8)
      var step = WindowAttention()
      step.window = 4
      step.heads = 2
      step.norm = plan.norm(8)
      step.qkv = plan.matrix(k: 8, n: 24)
      step.biasOffset = plan.reserve(4 * step.biasCount)
      var keyNorm = KeyNorm()
      keyNorm.gammaOffset = plan.reserve(8)
      keyNorm.betaOffset = plan.reserve(8)
      keyNorm.epsilon = 1
      step.keyNorm = keyNorm
      step.project = plan.matrix(k: 8, n: 8)
      let shape = Shape(height: 5, width: 4, channels: 8)
      let output = plan.add(.windowAttention(step), inputs: [map], shape, inBufferOf: map)
      plan.addHead(output, classes: 5)
      return CheckedStep(plan, 1, step) { .windowAttention($0) }
    }()

    @Test func everyFieldIsChecked() {
      let checked = Self.checked
      checked.expectSound()
      checked.expectChecked(norm: \.norm)
      checked.expectChecked(matrix: \.qkv)
      checked.expectChecked(matrix: \.project)
      checked.expectChecked("multipliers of attention", \.scoreMultiplier, limit: 65536)
      checked.expectChecked("multipliers of attention", \.attendedMultiplier, limit: 65536)
      checked.expectChecked("residual multiplier", \.residualMultiplier, limit: 16384)
      checked.expectInvalid("around 0") { $0.qkv.outputZeroPoint = 1 }
      for zeroPoint in [-129, 128] {
        checked.expectInvalid("a zero point in") { $0.attendedZeroPoint = zeroPoint }
      }
      for heads in [0, 3, 16] { checked.expectInvalid("heads that divide") { $0.heads = heads } }
    }

    @Test(arguments: [0, 23, 8 << 20]) func windowIsNoLargerThanItsSumsAllow(window: Int) {
      Self.checked.expectInvalid("windows of at most 22") { $0.window = window }
    }

    @Test func shiftIsLessThanAWindow() {
      Self.checked.expectInvalid("a shift of less") { $0.shift.rows = 4 }
      Self.checked.expectInvalid("a shift of less") { $0.shift.columns = 4 }
    }

    @Test func positionBiasesAreInTheFileAndWithinTheirRange() {
      let checked = Self.checked, offset = checked.step.biasOffset ?? 0
      for place in [checked.plan.end, offset + 4] {
        checked.expectInvalid("constants at a multiple of 64") { $0.biasOffset = place }
      }
      for bias in [1 << 21 + 1, -1 << 21 - 1] as [Int32] {
        for place in [0, checked.step.biasCount - 1] {
          checked.plan.expectInvalid("position biases within") {
            $0.constants.store(bias, at: offset + 4 * place)
          }
        }
      }
    }

    @Test func normOverKeysIsChecked() {
      let checked = Self.checked
      let end = checked.plan.end
      checked.expectInvalid("constants at a multiple of 64") { $0.keyNorm?.gammaOffset = end }
      checked.expectInvalid("constants at a multiple of 64") { $0.keyNorm?.betaOffset += 4 }
      for epsilon in [0, Float.infinity, .nan] {
        checked.expectInvalid("an epsilon of at least") { $0.keyNorm?.epsilon = epsilon }
      }
      guard let norm = checked.step.keyNorm else { return }
      for offset in [norm.gammaOffset, norm.betaOffset + 4] {
        checked.expectInvalid("constants within", [Float(0x1p24).nextUp], at: offset)
      }
    }
  }
}
