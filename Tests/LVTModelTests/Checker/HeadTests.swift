// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct HeadTests {
    static let classes = checked(classes: 5)
    static let features = checked(classes: nil)

    private static func checked(classes: Int?) -> CheckedStep<Head> {
      var plan = HandmadePlan(height: 4, width: 4)
      plan.addHead(plan.addMap(channels: 8), classes: classes)
      guard case .head(let step)? = plan.contents.steps.last?.operation else {
        fatalError("the last step is no head")
      }
      return CheckedStep(plan, 1, step) { .head($0) }
    }

    @Test func everyFieldIsChecked() {
      let checked = Self.classes
      checked.expectSound()
      checked.expectChecked(norm: \.norm)
      checked.expectChecked("a mean multiplier", \.poolingMultiplier, limit: 0.5)
      checked.expectInvalid("a matrix of") { $0.classifier?.matrix.k = 9 }
      checked.expectInvalid("an output of 1×1×6") { $0.classifier?.matrix.n = 6 }
      for offset in [4, checked.plan.end] {
        checked.expectInvalid("constants at a multiple of 64") {
          $0.classifier?.biasOffset = offset
        }
      }
      checked.expectInvalid("an output of 1×1×8") { $0.classifier = nil }
    }

    @Test func maximumMayGrowAsAResidualDoes() {
      for (multiplier, isValid) in [(Float(16384), true), (Float(16384).nextUp, false)] {
        let change: (inout HandmadePlan) -> Void = { plan in
          var step = Self.classes.step
          (step.pooling, step.poolingMultiplier) = (.maximum, multiplier)
          plan.contents.steps[1].operation = .head(step)
        }
        if isValid {
          Self.classes.plan.expectValid(change)
        } else {
          Self.classes.plan.expectInvalid("a mean multiplier", change)
        }
      }
    }

    @Test func everyFieldOfFeaturesIsChecked() {
      Self.features.expectSound()
      Self.features.expectChecked(norm: \.norm)
      Self.features.expectChecked("a mean multiplier", \.poolingMultiplier, limit: 0x1p80)
    }

    /// 2¹²⁰ is added to sums that are no larger, and what comes of it is finite.
    @Test func biasesThatMakeInfiniteLogitsAreRejected() {
      guard let offset = Self.classes.step.classifier?.biasOffset else { return }
      for bias in [Float(0x1p120), -0x1p120] {
        Self.classes.plan.expectValid { $0.constants.store(bias.bitPattern, at: offset) }
      }
      Self.classes.expectInvalid("constants within", [0x1.000002p120, .nan], at: offset)
    }

    @Test func meanIsOfNoMorePositionsThanItsSumsAllow() {
      let file = giantPlanBytes(width: 4096, height: 2049, patch: 1, mlps: 0)
      expectRefusal("at most 2^23 positions", file)
    }
  }
}
