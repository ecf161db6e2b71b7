// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct AdaptiveMeanTests {
    static let checked = {
      var plan = HandmadePlan(height: 5, width: 8)
      let map = plan.addMap(channels: 6)
      var step = AdaptiveMean()
      step.bins = 3
      step.multiplier = 1
      let shape = Shape(height: 3, width: 3, channels: 6)
      plan.addHead(plan.add(.adaptiveMean(step), inputs: [map], shape), classes: 5)
      return CheckedStep(plan, 1, step) { .adaptiveMean($0) }
    }()

    @Test func everyFieldIsChecked() {
      Self.checked.expectSound()
      for bins in [0, 65] {
        Self.checked.expectInvalid("1 ... 64 parts of an axis") { $0.bins = bins }
      }
      Self.checked.expectInvalid("an output of 2×2×6") { $0.bins = 2 }
      for multiplier in [-1, Float(16384).nextUp, .nan, .infinity] {
        Self.checked.expectInvalid("a mean multiplier") { $0.multiplier = multiplier }
      }
    }
  }
}
