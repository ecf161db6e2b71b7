// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport
import Testing

@testable import LVTModel

/// What a plan says of its input, buffers, tensors and constants, just outside what it may.
@Suite struct PlanStructureTests {
  let contents: PlanContents
  let constants: [UInt8]

  init() throws {
    let plan = try plan(tinyPlanBytes())
    contents = PlanContents(plan)
    constants = Array(plan.constants)
  }

  private func expectInvalid(_ part: String, _ bytes: [UInt8]) {
    let error = #expect(throws: PlanError.self) { try plan(bytes) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "no error")")
  }

  private func expectInvalid(
    _ part: String, constants: [UInt8]? = nil, _ change: (inout PlanContents) -> Void
  ) {
    var changed = contents
    change(&changed)
    expectInvalid(part, changed.encoded(constants: constants ?? self.constants))
  }

  @Test(arguments: [0, -0.5, 1.nextUp, .nan, .infinity])
  func cropFractionOutOfRangeIsRejected(fraction: Double) {
    expectInvalid("more than 0, at most 1") { $0.input.cropFraction = fraction }
  }

  @Test func planOfNothingIsRejected() {
    expectInvalid("tensors: expected at least one") {
      $0.steps = []
      $0.tensors = []
    }
    expectInvalid("steps: expected at least one") { $0.steps = [] }
  }

  @Test func hashesThatAreNotOnePerStepAreRejected() {
    let count = contents.steps.count
    expectInvalid("expected \(count) hashes, found \(count - 1)") {
      $0.golden.stepHashes.removeLast()
    }
    expectInvalid("expected \(count) hashes, found \(count + 1)") { $0.golden.stepHashes += [0] }
  }

  @Test func lifetimeOutsideTheStepsIsRejected() {
    let count = contents.steps.count
    for lifetime in [
      Lifetime(firstStep: 1, lastStep: 0), Lifetime(firstStep: 0, lastStep: count),
      Lifetime(firstStep: count, lastStep: count),
    ] {
      expectInvalid("steps within 0 ...") { $0.buffers[0].lifetime = lifetime }
    }
  }

  @Test func unalignedMemoryIsRejected() {
    let part = "offset and size in multiples of 64"
    expectInvalid(part) { $0.buffers[1].offset += 32 }
    expectInvalid(part) { $0.buffers[1].byteCount -= 1 }
    expectInvalid(part) { $0.steps[1].scratchOffset += 4 }
    expectInvalid(part) { $0.steps[1].scratchBytes -= 16 }
  }

  @Test func memoryOutsideTheArenaIsRejected() {
    let part = "bytes within the arena"
    expectInvalid(part) { $0.buffers[1].byteCount = $0.arenaBytes + 64 }
    expectInvalid(part) { $0.steps[1].scratchOffset = $0.arenaBytes }
    expectInvalid(part) { $0.steps[1].scratchOffset = $0.arenaBytes + 64 }
  }

  @Test func extentsOutOfRangeAreRejected() {
    let part = "extents of 1 ..."
    let extent = PlanLimits.extent, channels = PlanLimits.channels(of: .int8)
    for (height, width, channels) in [
      (0, 1, 1), (1, 0, 1), (1, 1, 0), (extent + 1, 1, 1), (1, extent + 1, 1), (1, 1, channels + 1),
    ] {
      expectInvalid(part) {
        $0.tensors[1].shape = Shape(height: height, width: width, channels: channels)
      }
    }
  }

  @Test func tensorWithoutABufferIsRejected() {
    let count = contents.buffers.count
    expectInvalid("expected 0 ..< \(count), found \(count)") { $0.tensors[1].buffer = count }
  }

  @Test func quantizationOutOfRangeIsRejected() {
    let part = "a positive scale and a zero point"
    for scale in [0, -1, Float.nan, .infinity] {
      expectInvalid(part) { $0.tensors[1].quantization.scale = scale }
    }
    for zeroPoint in [-129, 128] {
      expectInvalid(part) { $0.tensors[1].quantization.zeroPoint = zeroPoint }
    }
  }

  @Test func stepOfATensorThatIsNoneIsRejected() throws {
    // A plan that says so cannot be encoded: the byte is where two that can be differ.
    var other = contents
    other.steps[4].inputs = [0]
    let bytes = contents.encoded(constants: constants)
    let table =
      PlanFormat.headerBytes + PlanFormat.Section.allCases.count * PlanFormat.sectionRecordBytes
    let places = zip(bytes, other.encoded(constants: constants)).enumerated()
      .filter { $0.offset >= table && $0.element.0 != $0.element.1 }.map { $0.offset }
    try #require(places.count == 1)
    for index in [contents.tensors.count, 255] {
      var changed = bytes
      changed[places[0]] = UInt8(index)
      PlanFormat.seal(&changed)
      expectInvalid("tensors 0 ..< \(contents.tensors.count), found \(index)", changed)
    }
  }

  @Test func planWithoutLogitsIsRejected() throws {
    let logits = try #require(contents.steps.last).output
    try #require(logits == contents.tensors.count - 1)
    try #require(contents.tensors[logits].buffer == contents.buffers.count - 1)
    expectInvalid("last step: expected logits") { changed in
      changed.steps.removeLast()
      changed.golden.stepHashes.removeLast()
      changed.tensors.removeLast()
      changed.buffers.removeLast()
      for i in changed.buffers.indices {
        let last = changed.buffers[i].lifetime.lastStep
        changed.buffers[i].lifetime.lastStep = min(last, changed.steps.count - 1)
      }
    }
  }

  @Test func wrongLayerNormIsRejected() {
    guard case .patchEmbed(let embed) = contents.steps[0].operation else {
      Issue.record("step 0 is another operation")
      return
    }
    let norm = embed.norm
    func expectInvalid(_ part: String, _ change: (inout LayerNorm) -> Void) {
      self.expectInvalid(part) { changed in
        var step = embed
        change(&step.norm)
        changed.steps[0].operation = .patchEmbed(step)
      }
    }
    for epsilon in [0, -1, Float(0x1p-40).nextDown, .nan, .infinity] {
      expectInvalid("an epsilon of at least") { $0.epsilon = epsilon }
    }
    for zeroPoint in [-129, 128] {
      expectInvalid("a zero point in −128 ... 127") { $0.outputZeroPoint = zeroPoint }
    }
    for offset in [norm.gammaOffset, norm.betaOffset] {
      for channel in [norm.channels, Shape.blocks(norm.channels) * Shape.block - 1] {
        var changed = constants
        changed[offset + 4 * channel] = 1
        self.expectInvalid("zeros behind the LayerNorm's constants", constants: changed) { _ in }
      }
    }
  }

  @Test func zeroPointsOfAMatrixOutOfRangeAreRejected() {
    for value in [-129, 128] {
      for part in [\PackedMatrix.outputZeroPoint, \.lowerBound] {
        expectInvalid("zero point and lower bound in −128 ... 127") { changed in
          guard case .pointwise(var step) = changed.steps[1].operation else { return }
          step.matrix[keyPath: part] = value
          changed.steps[1].operation = .pointwise(step)
        }
      }
    }
  }
}
