// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  /// A residual stream of int16.
  @Suite struct StreamTests {
    static let plan: HandmadePlan = {
      var plan = HandmadePlan(height: 4, width: 4)
      let shape = Shape(height: 4, width: 4, channels: 8)
      let map = plan.addMap(channels: 8, .int16)
      var product = Pointwise()
      product.narrowing = narrowing(1, 0)
      product.matrix = plan.matrix(k: 8, n: 8)
      let narrow = plan.add(.pointwise(product), inputs: [map], shape)
      var sum = Pointwise()
      sum.matrix = plan.matrix(k: 8, n: 8)
      sum.residual = Pointwise.Residual(multiplier: 1)
      let wide = plan.add(.pointwise(sum), inputs: [narrow, map], shape, .int16, inBufferOf: map)
      var mlp = MLP()
      mlp.narrowing = narrowing(1, 0)
      mlp.expand = plan.matrix(k: 8, n: 8)
      mlp.tableOffset = plan.reserve(256)
      mlp.project = plan.matrix(k: 8, n: 8)
      let last = plan.add(.mlp(mlp), inputs: [wide], shape, .int16, inBufferOf: wide)
      plan.addHead(last, classes: 5)
      return plan.placed()
    }()

    private static func narrowing(_ multiplier: Float, _ zeroPoint: Int) -> Narrowing {
      var narrowing = Narrowing()
      (narrowing.multiplier, narrowing.zeroPoint) = (multiplier, zeroPoint)
      return narrowing
    }

    private func expectInvalid(_ words: String, _ narrowing: Narrowing?) {
      Self.plan.expectInvalid(words) { plan in
        guard case .pointwise(var step) = plan.contents.steps[1].operation else { return }
        step.narrowing = narrowing
        plan.contents.steps[1].operation = .pointwise(step)
      }
      Self.plan.expectInvalid(words) { plan in
        guard case .mlp(var step) = plan.contents.steps[3].operation else { return }
        step.narrowing = narrowing
        plan.contents.steps[3].operation = .mlp(step)
      }
    }

    @Test func int16IsNarrowedInFrontOfAProduct() {
      Self.plan.expectValid()
      expectInvalid("a narrowing of the int16 input", nil)
      for multiplier in [-1, Float(16384).nextUp, .nan, .infinity] {
        expectInvalid("a narrowing by", Self.narrowing(multiplier, 0))
      }
      for zeroPoint in [-129, 128] { expectInvalid("a narrowing by", Self.narrowing(1, zeroPoint)) }
    }

    @Test func int8IsNotNarrowed() {
      Self.plan.expectInvalid("an int16 input to narrow") { plan in
        guard case .pointwise(var step) = plan.contents.steps[2].operation else { return }
        step.narrowing = Self.narrowing(1, 0)
        plan.contents.steps[2].operation = .pointwise(step)
      }
    }

    @Test func zeroIsZeroInInt16() {
      Self.plan.expectInvalid("a zero point of 0 in int16") {
        $0.contents.tensors[1].quantization.zeroPoint = 1
      }
      Self.plan.expectInvalid("step 0: expected a zero point of 0 in int16") { plan in
        guard case .patchEmbed(var step) = plan.contents.steps[0].operation else { return }
        step.norm.outputZeroPoint = 1
        plan.contents.steps[0].operation = .patchEmbed(step)
      }
    }

    @Test func overwritingTensorHasTheTypeOfWhatItOverwrites() {
      Self.plan.expectInvalid("an input of the output's form") {
        $0.contents.tensors[3].type = .int8
      }
    }
  }
}
