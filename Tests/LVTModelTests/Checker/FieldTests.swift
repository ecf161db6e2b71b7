// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport
import Testing

@testable import LVTModel

extension PlanCheckerTests {
  /// Fields that say what no plan can mean.
  @Suite struct FieldTests {
    static let plan = OutputTests.plan

    @Test func sizesAreWithinTheirLimits() {
      Self.plan.expectInvalid("arena bytes: expected at most 2147483648") {
        $0.contents.arenaBytes = 1 << 31 + 64
      }
      Self.plan.expectInvalid("buffer offset") { $0.contents.buffers[1].offset = 1 << 40 }
      Self.plan.expectInvalid("buffer bytes") { $0.contents.buffers[1].byteCount = 1 << 40 }
      Self.plan.expectInvalid("scratch offset") { $0.contents.steps[1].scratchOffset = 1 << 40 }
      Self.plan.expectInvalid("scratch bytes") { $0.contents.steps[1].scratchBytes = 1 << 40 }
      DepthwiseTests.dynamic.expectInvalid("constant offset") { $0.biasOffset = 1 << 32 }
    }

    @Test func listsHaveNoMoreEntriesThanAPlanMayHave() {
      let words = "at most 1024 entries, found 1025"
      func expectInvalid<T>(_ section: String, _ list: WritableKeyPath<PlanContents, [T]>) {
        Self.plan.expectInvalid("\(section) section: expected \(words)") { plan in
          let entry = plan.contents[keyPath: list][0]
          plan.contents[keyPath: list] = [T](repeating: entry, count: 1025)
        }
      }
      expectInvalid("buffers", \.buffers)
      expectInvalid("tensors", \.tensors)
      expectInvalid("steps", \.steps)
      expectInvalid("outputs", \.outputs)
      Self.plan.expectInvalid("provenance section: expected \(words)") {
        $0.contents.provenance = [(key: String, value: String)](repeating: ("", ""), count: 1025)
      }
      Self.plan.expectInvalid("golden section: expected \(words)") {
        $0.contents.golden.stepHashes = [UInt64](repeating: 0, count: 1025)
      }
      Self.plan.expectInvalid("labels section: expected at most 65536 entries") {
        $0.contents.labels = [String](repeating: "", count: 65537)
      }
      Self.plan.expectInvalid("inputs of a step: expected at most 8 entries, found 9") {
        $0.contents.steps[1].inputs = [Int](repeating: 1, count: 9)
      }
    }

    @Test func moreThan64ThreadsAreRejected() {
      Self.plan.expectValid { $0.contents.threads = 64 }
      Self.plan.expectInvalid("threads: expected at most 64") { $0.contents.threads = 65 }
    }

    @Test func textsAreNotTooLong() {
      let section = PlanFormat.Section.labels.range(in: Self.plan.bytes)
      Self.plan.expectInvalidBytes("labels section: expected texts of at most 4096 bytes") {
        $0.store(UInt32(4097), at: section.lowerBound + 4)
      }
      let longest = String(repeating: "a", count: 4096)
      Self.plan.expectValid { $0.contents.labels[0] = longest }
    }

    @Test func sectionsEndWithTheirLastField() {
      // The golden section is the last one.
      let section = PlanFormat.Section.golden, bytes = Self.plan.bytes
      let count = section.range(in: bytes).count
      Self.plan.expectInvalidBytes("golden section: expected 12 bytes, found 16") {
        $0 += [0, 0, 0, 0]
        $0.store(UInt64(count + 4), at: section.record + 16)
        $0.store(UInt64($0.count), at: PlanFormat.Header.fileBytes)
      }
      Self.plan.expectInvalidBytes("golden section is cut short: expected 12 bytes, found 8") {
        $0.removeLast(4)
        $0.store(UInt64(count - 4), at: section.record + 16)
        $0.store(UInt64($0.count), at: PlanFormat.Header.fileBytes)
      }
    }

    /// A byte that distinguishes two plans is a number that stands for something; 9 stands for nothing.
    private func expectInvalidNumber(
      _ words: String, in section: PlanFormat.Section, of plan: HandmadePlan,
      sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout HandmadePlan) -> Void
    ) {
      let at = plan.firstDifference(in: section, change)
      plan.expectInvalidBytes("\(words), found 9", sourceLocation: sourceLocation) { $0[at] = 9 }
    }

    @Test func numbersStandForSomething() {
      expectInvalidNumber("interpolation: expected 0 or 1", in: .input, of: Self.plan) {
        $0.contents.input.interpolation = .bicubic
      }
      expectInvalidNumber("fit: expected 0 ... 2", in: .input, of: Self.plan) {
        $0.contents.input.fit = .crop(fraction: 1)
      }
      expectInvalidNumber("tensor type: expected 0 ... 4", in: .tensors, of: Self.plan) {
        $0.contents.tensors[1].type = .int16
      }
      expectInvalidNumber("kind of an output: expected 0 ... 4", in: .outputs, of: Self.plan) {
        $0.contents.outputs[0].kind = .map
      }
      expectInvalidNumber(
        "pooling: expected 0 or 1", in: .steps, of: HeadTests.classes.plan
      ) { plan in
        var step = HeadTests.classes.step
        step.pooling = .maximum
        plan.contents.steps[1].operation = .head(step)
      }
      expectInvalidNumber(
        "order of padding and shift: expected 0 or 1", in: .steps,
        of: WindowAttentionTests.checked.plan
      ) { plan in
        var step = WindowAttentionTests.checked.step
        step.shift.order = .rollThenPad
        plan.contents.steps[1].operation = .windowAttention(step)
      }
      expectInvalidNumber(
        "weighting: expected 0 or 1", in: .steps, of: DepthwiseAttentionTests.bySoftmax.plan
      ) { plan in
        var step = DepthwiseAttentionTests.bySoftmax.step
        step.weighting = .layerNorm(gammaOffset: 0, betaOffset: 0, epsilonOffset: 0)
        plan.contents.steps[1].operation = .depthwiseAttention(step)
      }
    }

    @Test func somethingIsSoOrNot() {
      expectInvalidNumber(
        "a flag: expected 0 or 1", in: .steps, of: RegionTests.refine.plan
      ) { plan in
        var step = RegionTests.refine.step
        step.reading.isAgnostic = true
        plan.contents.steps[4].operation = .refineBoxes(step)
      }
    }

    @Test func fieldIsThereOrNot() {
      let words = "presence of a field: expected 0 or 1"
      expectInvalidNumber(words, in: .steps, of: PointwiseTests.checked.plan) { plan in
        var step = PointwiseTests.checked.step
        step.residual = nil
        plan.contents.steps[2].operation = .pointwise(step)
      }
      expectInvalidNumber(words, in: .steps, of: MapAttentionTests.dilated.plan) { plan in
        var step = MapAttentionTests.dilated.step
        step.dilations = nil
        plan.contents.steps[1].operation = .mapAttention(step)
      }
      expectInvalidNumber(words, in: .steps, of: ConvolutionTests.ofMap.plan) { plan in
        var step = ConvolutionTests.ofMap.step
        step.tableOffset = nil
        plan.contents.steps[1].operation = .convolution(step)
      }
    }
  }
}
