// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct PatchTests {
    static let embedding: CheckedStep<PatchEmbed> = {
      var plan = HandmadePlan(height: 4, width: 6)
      var step = PatchEmbed()
      step.patch = 2
      step.matrix = plan.matrix(k: 16, n: 8)
      step.norm = plan.norm(8)
      let shape = Shape(height: 2, width: 3, channels: 8)
      plan.addHead(plan.add(.patchEmbed(step), inputs: [0], shape), classes: 5)
      return CheckedStep(plan, 0, step) { .patchEmbed($0) }
    }()

    static let merge: CheckedStep<PatchMerge> = {
      var plan = HandmadePlan(height: 5, width: 4)
      let map = plan.addMap(channels: 6)
      var step = PatchMerge()
      step.norm = plan.norm(24)
      step.matrix = plan.matrix(k: 24, n: 12)
      let shape = Shape(height: 3, width: 2, channels: 12)
      plan.addHead(plan.add(.patchMerge(step), inputs: [map], shape), classes: 5)
      return CheckedStep(plan, 1, step) { .patchMerge($0) }
    }()

    @Test func everyFieldOfAnEmbeddingIsChecked() {
      let checked = Self.embedding
      checked.expectSound()
      checked.expectChecked(matrix: \.matrix, changesForm: true)
      checked.expectChecked(norm: \.norm)
      for patch in [0, 65, Int(UInt32.max)] {
        checked.expectInvalid("a patch of 1 ... 64") { $0.patch = patch }
      }
      for patch in [3, 4] {
        checked.expectInvalid("whole patches of \(patch)") { $0.patch = patch }
      }
      checked.expectInvalid("an output of 4×6×8") { $0.patch = 1 }
    }

    @Test func everyFieldOfAMergeIsChecked() {
      let checked = Self.merge
      checked.expectSound()
      checked.expectChecked(matrix: \.matrix, changesForm: true)
      checked.expectChecked(norm: \.norm, channels: 24)
    }

    @Test func mergedRowHasNoMoreChannelsThanAMap() {
      var plan = HandmadePlan(height: 1, width: 1)
      let map = plan.addMap(channels: 4112)
      var step = PatchMerge()
      step.norm = plan.norm(4 * 4112)
      step.matrix = plan.matrix(k: 4 * 4112, n: 1)
      let shape = Shape(height: 1, width: 1, channels: 1)
      plan.addHead(plan.add(.patchMerge(step), inputs: [map], shape), classes: 1)
      plan.placed().expectInvalid("LayerNorm over 16448") { _ in }
    }
  }
}
