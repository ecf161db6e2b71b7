// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

/// Plans that are sound as files and wrong in what they say.
@Suite struct PlanCheckerTests {
  let contents: PlanContents
  let constants: [UInt8]

  init() throws { (contents, constants) = try Self.parts(tinyPlanBytes()) }

  private static func parts(_ bytes: [UInt8]) throws -> (PlanContents, [UInt8]) {
    let plan = try plan(bytes)
    return (PlanContents(plan), Array(plan.constants))
  }

  /// The same for the second step of a Swin, an attention.
  private func expectInvalidAttention(
    _ part: String, _ change: (inout WindowAttention, inout [UInt8]) -> Void
  ) throws {
    let plan = try plan(tinySwinPlanBytes())
    var constants = Array(plan.constants)
    var contents = PlanContents(plan)
    guard case .windowAttention(var attention) = contents.steps[1].operation else {
      Issue.record("step 1 is no attention")
      return
    }
    change(&attention, &constants)
    contents.steps[1].operation = .windowAttention(attention)
    let error = #expect(throws: PlanError.self) {
      try LVTTestSupport.plan(contents.encoded(constants: constants))
    }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "no error")")
  }

  @Test(arguments: [0, 23, 8 << 20])
  func windowOutOfRangeIsRejected(window: Int) throws {
    try expectInvalidAttention("windows of at most 22") { s, _ in s.window = window }
  }

  @Test func shiftOfAWindowIsRejected() throws {
    try expectInvalidAttention("a shift of less") { s, _ in s.shift.rows = 4 }
    try expectInvalidAttention("a shift of less") { s, _ in s.shift.columns = 4 }
  }

  @Test(arguments: [0, 3, 16])
  func headsThatDoNotDivideTheChannelsAreRejected(heads: Int) throws {
    try expectInvalidAttention("heads that divide") { s, _ in s.heads = heads }
  }

  @Test func headsWithoutBiasesAreRejected() throws {
    try expectInvalidAttention("constants at a multiple of 64") { s, constants in
      s.biasOffset = constants.count / 64 * 64
    }
  }

  @Test func hugeBiasIsRejected() throws {
    try expectInvalidAttention("position biases within") { s, constants in
      constants[(s.biasOffset ?? 0) + 3] = 0x7F
    }
  }

  @Test(arguments: [-1, 65537, Float.nan, .infinity])
  func attentionMultiplierOutOfRangeIsRejected(value: Float) throws {
    try expectInvalidAttention("multipliers of attention") { s, _ in s.scoreMultiplier = value }
    try expectInvalidAttention("multipliers of attention") { s, _ in s.attendedMultiplier = value }
    try expectInvalidAttention("residual multiplier") { s, _ in
      s.residualMultiplier = value == 65537 ? 1e9 : value
    }
  }

  @Test func zeroPointsOfAttentionAreChecked() throws {
    try expectInvalidAttention("around 0") { s, _ in s.qkv.outputZeroPoint = 1 }
    try expectInvalidAttention("a zero point in") { s, _ in s.attendedZeroPoint = 128 }
  }

  private func expectInvalid(
    _ part: String, constants: [UInt8]? = nil, _ change: (inout PlanContents) -> Void
  ) {
    var changed = contents
    change(&changed)
    expectInvalid(part, changed, constants ?? self.constants)
  }

  private func expectInvalid(_ part: String, _ contents: PlanContents, _ constants: [UInt8]) {
    let error = #expect(throws: PlanError.self) {
      try plan(contents.encoded(constants: constants))
    }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "no error")")
  }

  /// Every field of the dynamic step, just outside its range.
  @Test func wrongDynamicStepIsRejected() throws {
    let (contents, constants) = try Self.parts(tinyPlanBytes(isDynamic: true))
    guard case .dynamicDepthwise(let step) = contents.steps[2].operation else {
      Issue.record("step 2 is another operation")
      return
    }
    func expectInvalid(_ part: String, _ change: (inout DynamicDepthwise) -> Void) {
      var step = step, changed = contents
      change(&step)
      changed.steps[2].operation = .dynamicDepthwise(step)
      self.expectInvalid(part, changed, constants)
    }
    expectInvalid("an odd kernel") { $0.kernel = 4 }
    expectInvalid("an odd kernel") { $0.kernel = 17 }
    expectInvalid("a matrix of") { $0.kernel = 1 }
    expectInvalid("a mean multiplier") { $0.meanMultiplier = 0.5000001 }
    expectInvalid("a mean multiplier") { $0.meanMultiplier = -0x1p-100 }
    expectInvalid("a mean multiplier") { $0.meanMultiplier = .nan }
    expectInvalid("a matrix of") { $0.squeeze.k += 1 }
    expectInvalid("a matrix of") { $0.squeeze.n += 1 }
    expectInvalid("a matrix of") { $0.expand.k += 1 }
    expectInvalid("a matrix of") { $0.expand.n -= 16 }
    let end = constants.count / 64 * 64
    expectInvalid("constants at a multiple of 64") { $0.squeeze.offset = end }
    expectInvalid("constants at a multiple of 64") { $0.squeezeBiasOffset = end }
    expectInvalid("constants at a multiple of 64") { $0.expand.offset = end }
    expectInvalid("constants at a multiple of 64") { $0.expandBiasOffset = end }
    expectInvalid("constants at a multiple of 64") { $0.biasOffset = end }
    expectInvalid("constants at a multiple of 64") { $0.biasOffset += 4 }
    for (offset, expected) in [
      (step.squeezeBiasOffset, "constants within"), (step.expandBiasOffset, "constants within"),
      (step.biasOffset, "finite constants"),
    ] {
      var damaged = constants
      damaged.replaceSubrange(offset..<offset + 4, with: [0, 0, 0x80, 0x7F])  // infinity
      self.expectInvalid(expected, contents, damaged)
    }
    var changed = contents
    changed.steps[2].scratchBytes -= 64
    self.expectInvalid("bytes of scratch", changed, constants)
  }

  /// Every field of a DilateFormer's steps, just outside its range.
  @Test func wrongStepOfADilateFormerIsRejected() throws {
    let (contents, constants) = try Self.parts(tinyDilateFormerPlanBytes())
    func expectInvalid(
      _ part: String, _ index: Int, _ change: (inout Step.Operation) -> Void
    ) {
      var changed = contents
      change(&changed.steps[index].operation)
      self.expectInvalid(part, changed, constants)
    }
    func convolution(_ part: String, _ index: Int, _ change: (inout Convolution) -> Void) {
      expectInvalid(part, index) { operation in
        guard case .convolution(var step) = operation else {
          Issue.record("step \(index) is no convolution")
          return
        }
        change(&step)
        operation = .convolution(step)
      }
    }
    func attention(_ part: String, _ index: Int, _ change: (inout MapAttention) -> Void) {
      expectInvalid(part, index) { operation in
        guard case .mapAttention(var step) = operation else {
          Issue.record("step \(index) is no attention over the map")
          return
        }
        change(&step)
        operation = .mapAttention(step)
      }
    }
    let end = constants.count / 64 * 64
    for index in [0, 1] {
      convolution("an odd kernel", index) { $0.kernel = 4 }
      convolution("an odd kernel", index) { $0.kernel = 17 }
      convolution("a matrix of", index) { $0.kernel = 1 }
      convolution("a stride of", index) { $0.stride = 0 }
      convolution("a stride of", index) { $0.stride = 16 }
      convolution("an output of", index) { $0.stride = 3 }
      convolution("a matrix of", index) { $0.matrix.k += 1 }
      convolution("an output of", index) { $0.matrix.n += 1 }
      convolution("constants at a multiple of 64", index) { $0.matrix.offset = end }
      convolution("constants at a multiple of 64", index) { $0.tableOffset = end }
      convolution("constants at a multiple of 64", index) { $0.tableOffset = 32 }
    }
    convolution("an input of int8, found RGB", 0) { $0.outside = nil }
    convolution("an input of RGB, found int8", 1) { $0.outside = [0, 0, 0, 0] }

    expectInvalid("residual multiplier", 4) { operation in
      guard case .depthwise(var step) = operation else { return }
      #expect(step.residualMultiplier != nil)
      step.residualMultiplier = .nan
      operation = .depthwise(step)
    }
    for index in [5, 9] {
      attention("heads that divide", index) { $0.heads = 0 }
      attention("heads that divide", index) { $0.heads = 7 }
      attention("a matrix of", index) { $0.qkv.n += 1 }
      attention("a matrix of", index) { $0.project.k += 1 }
      attention("around 0", index) { $0.qkv.outputZeroPoint = 1 }
      attention("a zero point in", index) { $0.attendedZeroPoint = -129 }
      attention("multipliers of attention", index) { $0.scoreMultiplier = -1 }
      attention("multipliers of attention", index) { $0.attendedMultiplier = .infinity }
      attention("residual multiplier", index) { $0.residualMultiplier = .nan }
      attention("LayerNorm over", index) { $0.norm.channels += 1 }
      var changed = contents
      changed.steps[index].scratchBytes -= 64
      self.expectInvalid("bytes of scratch", changed, constants)
    }
    attention("groups that divide", 5) { $0.dilations = 0 }
    attention("groups that divide", 5) { $0.dilations = 2 }
  }

  /// Every field of a depth-wise ViT's steps, just outside its range.
  @Test func wrongStepOfADepthwiseViTIsRejected() throws {
    let (contents, constants) = try Self.parts(tinyDepthwiseViTPlanBytes())
    func changed(_ offset: Int, to value: Float) -> [UInt8] {
      var damaged = constants
      damaged.replaceSubrange(
        offset..<offset + 4,
        with: (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) })
      return damaged
    }
    func attention(_ part: String, _ index: Int, _ change: (inout DepthwiseAttention) -> Void) {
      guard case .depthwiseAttention(var step) = contents.steps[index].operation else {
        Issue.record("step \(index) is no depth-wise attention")
        return
      }
      var changed = contents
      change(&step)
      changed.steps[index].operation = .depthwiseAttention(step)
      expectInvalid(part, changed, constants)
    }
    let end = constants.count / 64 * 64
    for index in [1, 4] {
      attention("an odd kernel", index) { $0.kernel = 4 }
      attention("an odd kernel", index) { $0.kernel = 17 }
      attention("constants at a multiple of 64", index) { $0.biasOffset = end }
      attention("constants at a multiple of 64", index) { $0.biasOffset += 2 }
      // Three parts of whole blocks, which a product over the channels alone would not fill.
      attention("a matrix of", index) { $0.qkv.n -= 8 }
      attention("a matrix of", index) { $0.qkv.k += 1 }
      attention("a matrix of", index) { $0.project.k += 1 }
      attention("around 0", index) { $0.qkv.outputZeroPoint = 1 }
      attention("a zero point in", index) { $0.attendedZeroPoint = 128 }
      attention("residual multiplier", index) { $0.residualMultiplier = .nan }
      attention("LayerNorm over", index) { $0.norm.channels += 1 }
      var changed = contents
      changed.steps[index].scratchBytes -= 64
      expectInvalid("bytes of scratch", changed, constants)
    }
    guard case .depthwiseAttention(let first) = contents.steps[1].operation,
      case .layerNorm(let gamma, let beta, let epsilon) = first.weighting,
      case .depthwiseAttention(let second) = contents.steps[4].operation,
      case .softmax(let scores, let attended) = second.weighting
    else {
      Issue.record("steps 1 and 4 have other weightings")
      return
    }
    attention("constants at a multiple of 64", 1) {
      $0.weighting = .layerNorm(gammaOffset: end, betaOffset: beta, epsilonOffset: epsilon)
    }
    attention("constants at a multiple of 64", 1) {
      $0.weighting = .layerNorm(gammaOffset: gamma, betaOffset: beta, epsilonOffset: end)
    }
    attention("constants at a multiple of 64", 4) {
      $0.weighting = .softmax(scoreMultiplierOffset: scores, attendedMultiplierOffset: end)
    }
    // The last of the padding too: it is used as the channels are.
    let wrong: [(Int, Float)] = [
      (gamma, Float(0x1p24).nextUp), (gamma + 60, .nan), (beta, -Float(0x1p24).nextUp),
      (epsilon, 0), (epsilon + 60, Float(0x1p-40).nextDown), (epsilon, .infinity),
      (scores, -0x1p-100), (scores + 60, Float(65536).nextUp), (attended, .nan),
    ]
    for (offset, value) in wrong {
      expectInvalid("constants within", contents, changed(offset, to: value))
    }
  }

  /// Every field of a LayerNorm over the keys of windows, just outside its range.
  @Test func wrongKeyNormIsRejected() throws {
    let (contents, constants) = try Self.parts(tinyDepthwiseViTPlanBytes())
    guard case .windowAttention(let step) = contents.steps[7].operation, let norm = step.keyNorm
    else {
      Issue.record("step 7 has no LayerNorm over keys")
      return
    }
    func keyNorm(_ part: String, _ change: (inout KeyNorm) -> Void) {
      var step = step, norm = norm, changed = contents
      change(&norm)
      step.keyNorm = norm
      changed.steps[7].operation = .windowAttention(step)
      expectInvalid(part, changed, constants)
    }
    let end = constants.count / 64 * 64
    keyNorm("constants at a multiple of 64") { $0.gammaOffset = end }
    keyNorm("constants at a multiple of 64") { $0.betaOffset += 4 }
    keyNorm("an epsilon of at least") { $0.epsilon = 0 }
    keyNorm("an epsilon of at least") { $0.epsilon = .infinity }
    keyNorm("an epsilon of at least") { $0.epsilon = .nan }
    for offset in [norm.gammaOffset, norm.betaOffset + 4 * (step.heads - 1)] {
      var damaged = constants
      damaged.replaceSubrange(offset..<offset + 4, with: [1, 0, 0x80, 0x4B])  // 2²⁴ + 2
      expectInvalid("constants within", contents, damaged)
    }
  }

  /// What an int16 stream adds to steps and tensors, just outside its range.
  @Test func wrongInt16StreamIsRejected() throws {
    let (contents, constants) = try Self.parts(TinyNetwork().wide.compile().bytes)
    guard case .pointwise(let reader) = contents.steps[1].operation,
      case .pointwise(let adder) = contents.steps[3].operation,
      case .mlp(let mlp) = contents.steps[4].operation
    else {
      Issue.record("the steps are others")
      return
    }
    func expectInvalid(_ part: String, _ change: (inout PlanContents) -> Void) {
      var changed = contents
      change(&changed)
      self.expectInvalid(part, changed, constants)
    }
    func narrowing(_ multiplier: Float, _ zeroPoint: Int) -> Narrowing {
      var narrowing = Narrowing()
      (narrowing.multiplier, narrowing.zeroPoint) = (multiplier, zeroPoint)
      return narrowing
    }
    func expectInvalid(_ part: String, _ narrowing: Narrowing?) {
      expectInvalid(part) { changed in
        var step = reader
        step.narrowing = narrowing
        changed.steps[1].operation = .pointwise(step)
      }
      expectInvalid(part) { changed in
        var step = mlp
        step.narrowing = narrowing
        changed.steps[4].operation = .mlp(step)
      }
    }
    expectInvalid("a narrowing of the int16 input", nil)
    for multiplier in [-1, Float(16384).nextUp, .nan, .infinity] {
      expectInvalid("a narrowing by", narrowing(multiplier, 0))
    }
    for zeroPoint in [-129, 128] {
      expectInvalid("a narrowing by", narrowing(1, zeroPoint))
    }
    expectInvalid("an int16 input to narrow") { changed in
      var step = adder  // which reads an int8 map
      step.narrowing = narrowing(1, 0)
      changed.steps[3].operation = .pointwise(step)
    }
    expectInvalid("a zero point of 0 in int16") { $0.tensors[1].quantization.zeroPoint = 1 }
    expectInvalid("a zero point of 0 in int16") { changed in
      guard case .patchEmbed(var step) = changed.steps[0].operation else { return }
      step.norm.outputZeroPoint = 1
      changed.steps[0].operation = .patchEmbed(step)
    }
    expectInvalid("an input of the output's form") { changed in
      changed.tensors[changed.steps[3].output].type = .int8
    }
  }

  /// Every field of the inhomogeneous step, just outside its range.
  @Test func wrongInhomogeneousStepIsRejected() throws {
    let (contents, constants) = try Self.parts(tinyInhomogeneousPlanBytes())
    guard case .inhomogeneousDepthwise(let step) = contents.steps[2].operation else {
      Issue.record("step 2 is another operation")
      return
    }
    func expectInvalid(_ part: String, _ change: (inout InhomogeneousDepthwise) -> Void) {
      var step = step, changed = contents
      change(&step)
      changed.steps[2].operation = .inhomogeneousDepthwise(step)
      self.expectInvalid(part, changed, constants)
    }
    expectInvalid("an odd kernel") { $0.kernel = 4 }
    expectInvalid("an odd kernel") { $0.kernel = 17 }
    expectInvalid("a matrix of") { $0.kernel = 5 }
    expectInvalid("groups that divide") { $0.groups = 0 }
    expectInvalid("groups that divide") { $0.groups = 3 }
    expectInvalid("groups that divide") { $0.groups = 16 }
    expectInvalid("groups that divide") { $0.groups = Int(UInt32.max) }
    expectInvalid("a matrix of") { $0.groups = 2 }
    expectInvalid("a matrix of") { $0.squeeze.k += 1 }
    expectInvalid("a matrix of") { $0.squeeze.n += 1 }
    expectInvalid("a matrix of") { $0.expand.k += 1 }
    expectInvalid("a matrix of") { $0.expand.n -= 1 }
    let end = constants.count / 64 * 64
    expectInvalid("constants at a multiple of 64") { $0.squeeze.offset = end }
    expectInvalid("constants at a multiple of 64") { $0.expand.offset = end }
    expectInvalid("constants at a multiple of 64") { $0.multiplierOffset = end }
    expectInvalid("constants at a multiple of 64") { $0.biasOffset = end }
    expectInvalid("constants at a multiple of 64") { $0.biasOffset += 4 }
    // The last of the padding too: it is used as the channels are.
    let wrong: [(Int, Float)] = [
      (step.multiplierOffset, Float(0.5).nextUp), (step.multiplierOffset + 60, -0.6),
      (step.multiplierOffset, .nan), (step.biasOffset, Float(0x1p24).nextUp),
      (step.biasOffset + 60, -.infinity),
    ]
    for (offset, value) in wrong {
      var damaged = constants
      let bits = value.bitPattern
      damaged.replaceSubrange(
        offset..<offset + 4, with: (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) })
      self.expectInvalid("constants within", contents, damaged)
    }
    var changed = contents
    changed.steps[2].scratchBytes -= 64
    self.expectInvalid("bytes of scratch", changed, constants)
  }

  @Test func unchangedContentsAreValid() throws {
    _ = try plan(contents.encoded(constants: constants))
  }

  @Test func overlappingBuffersAreRejected() {
    expectInvalid("separate bytes while both are alive") { c in
      for i in c.buffers.indices { c.buffers[i].offset = 0 }
    }
  }

  @Test func scratchOverABufferIsRejected() {
    expectInvalid("scratch of step 1 and buffer") { c in
      c.steps[1].scratchOffset = c.buffers[c.tensors[c.steps[1].inputs[0]].buffer].offset
    }
  }

  @Test func bufferOutsideTheArenaIsRejected() {
    expectInvalid("bytes within the arena") { $0.buffers[0].offset = $0.arenaBytes }
  }

  @Test func stripsOfNoOrTooManyPositionsAreRejected() {
    expectInvalid("strips of 1 ...") { $0.steps[1].stripRows = 0 }
    expectInvalid("strips of 1 ...") { $0.steps[1].stripRows = 65537 }
  }

  @Test func moreThan64ThreadsAreRejected() {
    expectInvalid("at most 64") { $0.threads = 65 }
  }

  @Test func tooLittleScratchIsRejected() {
    expectInvalid("bytes of scratch") { $0.steps[1].scratchBytes = 0 }
  }

  @Test func readingAnOverwrittenTensorIsRejected() {
    // Step 3 adds to the patch embedding in place; step 4 may not read the tensor from before.
    expectInvalid("another or nothing") { c in c.steps[4].inputs = [1] }
  }

  @Test func deadBufferIsRejected() {
    expectInvalid("a live buffer") { c in
      c.buffers[c.tensors[1].buffer].lifetime = Lifetime(firstStep: 0, lastStep: 0)
    }
  }

  @Test func tensorLargerThanItsBufferIsRejected() {
    expectInvalid("as its buffer has") { $0.tensors[1].shape.width = 4000 }
  }

  @Test func wrongMatrixExtentIsRejected() {
    expectInvalid("a matrix of") { c in
      guard case .pointwise(var s) = c.steps[1].operation else { return }
      s.matrix.k += 1
      c.steps[1].operation = .pointwise(s)
    }
  }

  @Test func constantsOutsideTheSectionAreRejected() {
    expectInvalid("constants at a multiple of 64") { c in
      guard case .pointwise(var s) = c.steps[1].operation else { return }
      s.matrix.offset = constants.count / 64 * 64
      c.steps[1].operation = .pointwise(s)
    }
  }

  @Test(arguments: [0, 64, 128, 192])
  func damagedPanelIsRejected(at field: Int) throws {
    guard case .pointwise(let s) = contents.steps[1].operation else { return }
    var damaged = constants
    // A bias near −2³¹, a negative or huge column sum, a negative multiplier; a weight of −128.
    damaged[s.matrix.offset + field + (field == 192 ? 0 : 3)] ^= 0x80
    if field == 192 { damaged[s.matrix.offset + field] = 0x80 }
    expectInvalid("within their ranges", constants: damaged) { _ in }
  }

  @Test func labelsThatAreNotOnePerClassAreRejected() {
    expectInvalid("labels") { $0.labels = ["only one"] }
  }

  @Test func pictureOfAnotherSizeIsRejected() {
    expectInvalid("an RGB picture") { $0.input.width = 17 }
  }

  @Test func unalignedArenaIsRejected() {
    expectInvalid("a multiple of 64 bytes") { $0.arenaBytes += 1 }
  }

  @Test func hugeArenaIsRejected() {
    expectInvalid("arena bytes") { $0.arenaBytes = 1 << 40 }
  }

  /// 2¹²⁰ is added to sums that are no larger, and what comes of it is finite.
  @Test func biasesThatMakeInfiniteLogitsAreRejected() throws {
    guard case .head(let head) = contents.steps.last?.operation, let classifier = head.classifier
    else {
      Issue.record("the last step is no classifier")
      return
    }
    for (bias, isValid) in [(Float(0x1p120), true), (-0x1p120, true), (0x1.000002p120, false)] {
      var changed = constants
      withUnsafeBytes(of: bias) {
        changed.replaceSubrange(classifier.biasOffset..<classifier.biasOffset + 4, with: $0)
      }
      let file = contents.encoded(constants: changed)
      if isValid {
        #expect(throws: Never.self) { try plan(file) }
      } else {
        #expect(throws: PlanError.self) { try plan(file) }
      }
    }
  }
}
