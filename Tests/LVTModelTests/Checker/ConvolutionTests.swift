// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct ConvolutionTests {
    static let ofPicture = checked(ofPicture: true)
    static let ofMap = checked(ofPicture: false)

    private static func checked(ofPicture isPicture: Bool) -> CheckedStep<Convolution> {
      var plan = HandmadePlan(height: 5, width: 8)
      let input = isPicture ? 0 : plan.addMap(channels: 6)
      var step = Convolution()
      step.kernel = 3
      step.stride = 2
      step.outside = isPicture ? [0, 0, 0, 0] : nil
      step.matrix = plan.matrix(k: 3 * (isPicture ? 12 : 20), n: 8)
      step.tableOffset = plan.reserve(256)
      let shape = Shape(height: 3, width: 4, channels: 8)
      plan.addHead(plan.add(.convolution(step), inputs: [input], shape), classes: 5)
      return CheckedStep(plan, isPicture ? 0 : 1, step) { .convolution($0) }
    }

    @Test(arguments: [true, false]) func everyFieldIsChecked(isPicture: Bool) {
      let checked = isPicture ? Self.ofPicture : Self.ofMap
      checked.expectSound()
      checked.expectChecked(kernel: \.kernel)
      checked.expectChecked(matrix: \.matrix, changesForm: true)
      checked.expectInvalid("a matrix of") { $0.kernel = 1 }
      for stride in [0, 16] { checked.expectInvalid("a stride of") { $0.stride = stride } }
      checked.expectInvalid("an output of 2×3×8") { $0.stride = 3 }
      let end = checked.plan.end
      for offset in [32, end] {
        checked.expectInvalid("constants at a multiple of 64") { $0.tableOffset = offset }
      }
    }

    @Test func pictureAndMapAreDistinguished() {
      Self.ofPicture.expectInvalid("an input of int8, found RGB") { $0.outside = nil }
      Self.ofMap.expectInvalid("an input of RGB, found int8") { $0.outside = [0, 0, 0, 0] }
    }

    @Test func columnHasNoMoreWeightsThanItsSumsHold() {
      var plan = HandmadePlan(height: 1, width: 1)
      let map = plan.addMap(channels: 146)
      var step = Convolution()
      (step.kernel, step.stride) = (15, 1)
      step.matrix = plan.matrix(k: 15 * 2192, n: 1)
      let shape = Shape(height: 1, width: 1, channels: 1)
      plan.addHead(plan.add(.convolution(step), inputs: [map], shape), classes: 1)
      plan.placed().expectInvalid("a matrix of 32880 by 1") { _ in }
    }
  }
}
