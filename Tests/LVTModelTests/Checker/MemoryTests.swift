// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  /// Input, tensors, buffers and the arena.
  @Suite struct MemoryTests {
    /// Picture in buffer 0, map in 1, product in 2, logits in 3.
    static let plan: HandmadePlan = {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8), shape = plan.contents.tensors[map].shape
      var step = Pointwise()
      step.matrix = plan.matrix(k: 8, n: 8)
      plan.addHead(plan.add(.pointwise(step), inputs: [map], shape), classes: 5)
      return plan.placed()
    }()

    @Test func unchangedPlanIsRead() { Self.plan.expectValid() }

    // MARK: Input

    @Test(arguments: [0, -1, 1.0000001, .nan, .infinity]) func cropFractionIsAPart(fraction: Double)
    {
      Self.plan.expectInvalid("crop fraction") { $0.contents.input.fit = .crop(fraction: fraction) }
    }

    @Test(
      arguments: [
        .stretch, .crop(fraction: 1), .crop(fraction: 0.875),
        .letterbox(padding: RGB(red: 124, green: 116, blue: 104)),
      ] as [InputSpec.Fit])
    func fitIsReadAsItIsWritten(fit: InputSpec.Fit) throws {
      var changed = Self.plan
      changed.contents.input.fit = fit
      #expect(try LVTTestSupport.plan(changed.bytes).input.fit == fit)
    }

    @Test func paddingIsTheColourNearestToTheMean() {
      #expect(
        RGB(nearestTo: [0.485, 0.456, 0.406]) == RGB(red: 124, green: 116, blue: 104))
      #expect(RGB(nearestTo: [-1, 2, 1]) == RGB(red: 0, green: 255, blue: 255))
    }

    @Test func thereAreTensorsAndSteps() {
      Self.plan.expectInvalid("tensors: expected at least one") { $0.contents.tensors = [] }
      Self.plan.expectInvalid("steps: expected at least one") { $0.contents.steps = [] }
    }

    @Test func firstTensorIsThePicture() {
      let words = "tensor 0: expected an RGB picture"
      Self.plan.expectInvalid(words) { $0.contents.input.width = 5 }
      Self.plan.expectInvalid(words) { $0.contents.input.height = 5 }
      Self.plan.expectInvalid(words) { $0.contents.tensors[0].type = .int8 }
      Self.plan.expectInvalid(words) { $0.contents.tensors[0].shape.channels = 4 }
    }

    @Test func everyStepHasAGoldenHashOrNone() {
      Self.plan.expectValid { $0.contents.golden.stepHashes = [1, 2, 3] }
      for hashes: [UInt64] in [[1], [1, 2, 3, 4]] {
        Self.plan.expectInvalid("golden section: expected 3 hashes") {
          $0.contents.golden.stepHashes = hashes
        }
      }
    }

    // MARK: Tensors

    @Test func extentsAreWithinTheirLimits() {
      for extent in [0, 16385, Int(UInt32.max)] {
        let words = "tensor 1: expected extents of 1 ... 16384"
        Self.plan.expectInvalid(words) { $0.contents.tensors[1].shape.height = extent }
        Self.plan.expectInvalid(words) { $0.contents.tensors[1].shape.width = extent }
        Self.plan.expectInvalid(words) { $0.contents.tensors[1].shape.channels = extent }
      }
      Self.plan.expectInvalid("tensor 3: expected extents of 1 ... 16384") {
        $0.contents.tensors[3].shape.channels = 65537
      }
    }

    @Test func tensorsLieInBuffers() {
      Self.plan.expectInvalid("buffer of tensor 1: expected 0 ..< 4, found 4") {
        $0.contents.tensors[1].buffer = 4
      }
    }

    @Test func buffersAreLargeEnough() {
      Self.plan.expectInvalid("at most 256 bytes, as its buffer has") {
        $0.contents.tensors[1].shape.width = 5
      }
    }

    @Test func quantizationIsAScaleAndAZeroPoint() {
      let words = "quantization of tensor 1: expected a positive scale"
      for scale in [0, -1, .infinity, Float.nan] {
        Self.plan.expectInvalid(words) { $0.contents.tensors[1].quantization.scale = scale }
      }
      for zeroPoint in [-129, 128] {
        Self.plan.expectInvalid(words) { $0.contents.tensors[1].quantization.zeroPoint = zeroPoint }
      }
    }

    // MARK: Buffers

    @Test func lifetimesAreOfSteps() {
      for (first, last) in [(1, 0), (0, 3), (3, 3), (0, Int(UInt32.max))] {
        Self.plan.expectInvalid("lifetime of buffer 3: expected steps within 0 ... 2") {
          $0.contents.buffers[3].lifetime = Lifetime(firstStep: first, lastStep: last)
        }
      }
    }

    @Test func buffersThatLiveAtOnceLieApart() {
      Self.plan.expectInvalid("buffers 0 and 1: expected separate bytes while both are alive") {
        $0.contents.buffers[1].offset = 0
      }
      // The picture is not needed any more where the logits are written.
      Self.plan.expectValid {
        $0.contents.buffers[3].offset = 0
        #expect(
          $0.contents.buffers[0].lifetime.lastStep < $0.contents.buffers[3].lifetime.firstStep)
      }
    }

    @Test func scratchLiesApartFromLiveBuffers() {
      Self.plan.expectInvalid("scratch of step 1 and buffer 1: expected separate bytes") {
        $0.contents.steps[1].scratchOffset = $0.contents.buffers[1].offset
      }
    }

    @Test func buffersAndScratchLieInTheArena() {
      let arena = Self.plan.contents.arenaBytes
      for offset in [arena, arena + 64] {
        Self.plan.expectInvalid("buffer 0: expected bytes within the arena") {
          $0.contents.buffers[0].offset = offset
        }
        Self.plan.expectInvalid("scratch of step 1: expected bytes within the arena") {
          $0.contents.steps[1].scratchOffset = offset
        }
      }
    }

    @Test func buffersAndScratchAreAligned() {
      let words = "offset and size in multiples of 64"
      Self.plan.expectInvalid("buffer 3: expected \(words)") { $0.contents.buffers[3].offset += 32 }
      Self.plan.expectInvalid("buffer 3: expected \(words)") {
        $0.contents.buffers[3].byteCount = 20
      }
      Self.plan.expectInvalid("scratch of step 1: expected \(words)") {
        $0.contents.steps[1].scratchOffset += 1
      }
      Self.plan.expectInvalid("arena: expected a multiple of 64 bytes") {
        $0.contents.arenaBytes += 1
      }
    }

    @Test func memoryThatNothingIsInIsRefused() {
      Self.plan.expectInvalid("where its last buffer ends") { $0.contents.arenaBytes += 64 }
      Self.plan.expectInvalid("where its last buffer ends") { $0.contents.arenaBytes = 1 << 31 }
      Self.plan.expectInvalid("buffer 3: expected 64 bytes, as its tensors have, found 128") {
        $0.contents.buffers[3].byteCount += 64
        for i in $0.contents.steps.indices { $0.contents.steps[i].scratchOffset += 64 }
        $0.contents.arenaBytes += 64
      }
      Self.plan.expectInvalid("buffer 4: expected 0 bytes, as its tensors have") {
        $0.contents.buffers.append(
          Buffer(
            lifetime: Lifetime(firstStep: 0, lastStep: 0), offset: $0.contents.arenaBytes,
            byteCount: 64))
        $0.contents.arenaBytes += 64
      }
    }
  }
}
