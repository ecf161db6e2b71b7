// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  /// What lies in a panel; `PlanPaddingTests` are about what pads it.
  @Suite struct MatrixTests {
    static let checked = PointwiseTests.checked

    private func expectInvalid(_ change: (inout HandmadePlan, Int) -> Void) {
      Self.checked.plan.expectInvalid("weights, sums and multipliers within their ranges") {
        change(&$0, Self.checked.step.matrix.offset)
      }
    }

    @Test func biasLeavesRoomForTheSums() {
      for bias in [Int32.min, -Int32.max] {
        expectInvalid { plan, panel in
          plan.constants.store(bias, at: panel)
          plan.constants[panel + 192] = 1
          plan.constants.store(Int32(1), at: panel + 64)
        }
      }
    }

    @Test func columnSumsAreThoseOfTheWeights() {
      expectInvalid { plan, panel in plan.constants.store(Int32(1), at: panel + 64) }
      expectInvalid { plan, panel in plan.constants[panel + 192] = 1 }
    }

    @Test(arguments: [-1, Float(0.5).nextUp, .nan, .infinity])
    func multipliersAreAtMostAHalf(multiplier: Float) {
      expectInvalid { plan, panel in plan.constants.store(multiplier.bitPattern, at: panel + 128) }
    }

    @Test func weightIsNotTheLeastInteger() {
      expectInvalid { plan, panel in
        plan.constants[panel + 192] = 0x80
        plan.constants.store(Int32(-128), at: panel + 64)
      }
    }
  }
}
