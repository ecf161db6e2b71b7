// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  /// Which tensors steps read and write, and where those lie.
  @Suite struct FlowTests {
    /// Picture → map 1 → product 2 → product 3 of 2, and 1 added in its buffer → MLP 4 in place → logits 5.
    static let plan: HandmadePlan = {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8), shape = plan.contents.tensors[map].shape
      let product = plan.add(.pointwise(pointwise(&plan)), inputs: [map], shape)
      let sum = plan.add(
        .pointwise(pointwise(&plan, addsResidual: true)), inputs: [product, map], shape,
        inBufferOf: map)
      let last = plan.add(.mlp(mlp(&plan)), inputs: [sum], shape, inBufferOf: sum)
      plan.addHead(last, classes: 5)
      return plan.placed()
    }()

    private static func pointwise(
      _ plan: inout HandmadePlan, addsResidual: Bool = false
    ) -> Pointwise {
      var step = Pointwise()
      step.matrix = plan.matrix(k: 8, n: 8)
      step.residual = addsResidual ? Pointwise.Residual(multiplier: 1) : nil
      return step
    }

    private static func mlp(_ plan: inout HandmadePlan) -> MLP {
      var step = MLP()
      step.expand = plan.matrix(k: 8, n: 8)
      step.tableOffset = plan.reserve(256)
      step.project = plan.matrix(k: 8, n: 8)
      return step
    }

    @Test func unchangedPlanIsRead() { Self.plan.expectValid() }

    @Test func stepsReadTensorsThatThereAre() {
      Self.plan.expectInvalid("step 3: expected tensors 0 ..< 6, found 6") {
        $0.contents.steps[3].inputs = [6]
      }
      Self.plan.expectInvalid("step 3: expected tensors 0 ..< 6, found 4294967295") {
        $0.contents.steps[3].output = Int(UInt32.max)
      }
    }

    @Test func stepsReadTensorsThatTheirBuffersHold() {
      let words = "tensor 1 in its buffer, found another or nothing"
      // Step 2 has written over tensor 1; nobody has written tensor 4 yet.
      Self.plan.expectInvalid(words) { $0.contents.steps[3].inputs = [1] }
      Self.plan.expectInvalid("tensor 4 in its buffer") { $0.contents.steps[3].inputs = [4] }
      Self.plan.expectInvalid("tensor 3 in its buffer") { $0.contents.steps[2].inputs = [2, 3] }
    }

    @Test func buffersLiveWhereTheyAreReadAndWritten() {
      for (buffer, first, last, step) in [(1, 0, 3, 4), (1, 1, 4, 0), (2, 1, 1, 2), (2, 2, 2, 1)] {
        Self.plan.expectInvalid("step \(step): expected a live buffer under tensor") {
          $0.contents.buffers[buffer].lifetime = Lifetime(firstStep: first, lastStep: last)
        }
      }
    }

    @Test func pictureIsInItsBufferFromTheFirstStep() {
      Self.plan.expectInvalid("the picture in it from step 0") {
        $0.contents.buffers[0].lifetime = Lifetime(firstStep: 1, lastStep: 1)
      }
    }

    @Test func tensorIsWrittenOnce() {
      let words = "a tensor that no other step writes"
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8)
      let mlp = Self.mlp(&plan)
      plan.contents.steps.append(Step(.mlp(mlp), inputs: [map], output: map))
      plan.addHead(map, classes: 5)
      plan.placed().expectInvalid(words) { _ in }
      // The picture is written by whoever runs the plan.
      Self.plan.expectInvalid(words) { $0.contents.steps[0].output = 0 }
    }

    @Test func everyTensorIsWritten() {
      Self.plan.expectInvalid("tensor 6: expected a step that writes it") {
        $0.contents.tensors.append($0.contents.tensors[1])
      }
    }

    @Test func stepsHaveTheirOperationsInputs() {
      Self.plan.expectInvalid("step 2: expected 2 inputs, found 1") {
        $0.contents.steps[2].inputs = [2]
      }
      Self.plan.expectInvalid("step 1: expected 1 inputs, found 2") {
        $0.contents.steps[1].inputs = [1, 1]
      }
      Self.plan.expectInvalid("step 3: expected 1 inputs, found 8") {
        $0.contents.steps[3].inputs = [Int](repeating: 3, count: 8)
      }
      Self.plan.expectInvalid("step 0: expected 1 inputs, found 0") {
        $0.contents.steps[0].inputs = []
      }
    }

    @Test func stepsReadTheirOperationsTypes() {
      Self.plan.expectInvalid("step 3: expected an input of int8 or int16, found RGB") {
        $0.contents.steps[3].inputs = [0]
        $0.contents.buffers[0].lifetime.lastStep = 3
      }
      Self.plan.expectInvalid("step 1: expected an input of RGB, found int8") {
        $0.contents.steps[1].operation = $0.contents.steps[0].operation
      }
    }

    @Test func stepsMakeTheirOperationsForm() {
      Self.plan.expectInvalid("step 1: expected an output of 4×4×8, found 4×2×8") {
        $0.contents.tensors[2].shape.width = 2
      }
      Self.plan.expectInvalid("step 1: expected an output of int8 or int16, found RGB") {
        $0.contents.tensors[2].type = .pictureRGB
      }
      Self.plan.expectInvalid("step 4: expected an output of float32, found int8") {
        $0.contents.tensors[5].type = .int8
      }
    }

    // MARK: In place

    /// A map, a step that writes it to its own buffer, and a head.
    private func inPlace(
      inputs: Int = 1, _ shape: Shape = Shape(height: 4, width: 4, channels: 8),
      _ type: ElementType = .int8, _ make: (inout HandmadePlan) -> Step.Operation
    ) -> HandmadePlan {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8)
      let operation = make(&plan)
      let output = plan.add(
        operation, inputs: [Int](repeating: map, count: inputs), shape, type, inBufferOf: map)
      if type == .float32 {
        plan.addOutput("classes", .classes, output)
      } else {
        plan.addHead(output, classes: 5)
      }
      return plan.placed()
    }

    @Test func onlyInputsThatTheOperationNamesAreOverwritten() {
      let words = "step 1: expected separate input and output"
      inPlace { .pointwise(Self.pointwise(&$0)) }.expectInvalid(words) { _ in }
      inPlace(Shape(height: 2, width: 2, channels: 8)) { plan in
        var step = PatchMerge()
        step.norm = plan.norm(32)
        step.matrix = plan.matrix(k: 32, n: 8)
        return .patchMerge(step)
      }.expectInvalid(words) { _ in }
      inPlace(Shape(height: 1, width: 1, channels: 8), .float32) { plan in
        var step = Head()
        step.norm = plan.norm(8)
        return .head(step)
      }.expectInvalid(words) { _ in }
      Self.plan.expectInvalid("step 0: expected separate input and output") { plan in
        for tensor in [1, 3, 4] { plan.contents.tensors[tensor].buffer = 0 }
        plan.contents.buffers[0].lifetime.lastStep = 4
        plan.contents.buffers[0].byteCount = plan.contents.buffers[1].byteCount
        plan.place()
      }
    }

    @Test func productAddsItsInputElsewhereOnly() {
      let words = "at most one input in the output's buffer, found 2"
      inPlace(inputs: 2) { .pointwise(Self.pointwise(&$0, addsResidual: true)) }
        .expectInvalid(words) { _ in }
      // In another buffer the map may be read twice.
      inPlace(inputs: 2) { .pointwise(Self.pointwise(&$0, addsResidual: true)) }.expectValid {
        $0.contents.tensors[2].buffer = 3
        $0.place()
      }
    }

    @Test func overwritingTensorHasTheExtentsOfWhatItOverwrites() {
      Self.plan.expectInvalid("step 3: expected an input of the output's form in its buffer") {
        $0.contents.tensors[4].shape.height = 2
      }
      Self.plan.expectInvalid("step 3: expected an input of the output's form in its buffer") {
        $0.contents.tensors[4].type = .pictureRGB
      }
    }

    // MARK: Strips and matrices

    @Test func stripsOfNoOrTooManyPositionsAreRejected() {
      Self.plan.expectInvalid("strips of 1 ...") { $0.contents.steps[1].stripRows = 0 }
      Self.plan.expectInvalid("strips of 1 ...") { $0.contents.steps[1].stripRows = 65537 }
    }

    @Test func scratchIsWhatTheStepNeeds() {
      for change in [-64, 64] {
        Self.plan.expectInvalid("bytes of scratch") { plan in
          plan.contents.steps[1].scratchBytes += change
          plan.contents.arenaBytes += 64
        }
      }
    }

    /// What is checked would grow with the steps and not with the file.
    @Test func matricesAreNoLargerThanTheConstants() {
      var plan = HandmadePlan(height: 4, width: 4)
      var map = plan.addMap(channels: 8)
      var step = Self.mlp(&plan)
      step.project = step.expand
      for _ in 0..<20 {
        map = plan.add(
          .mlp(step), inputs: [map], plan.contents.tensors[map].shape, inBufferOf: map)
      }
      plan.addHead(map, classes: 5)
      plan.placed().expectInvalid("matrices of its own, of at most \(plan.constants.count) bytes") {
        _ in
      }
    }
  }
}
