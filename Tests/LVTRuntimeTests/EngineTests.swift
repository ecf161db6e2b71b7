// SPDX-License-Identifier: Apache-2.0
import LVT
import LVTTestSupport
import Testing

@Suite struct EngineTests {
  /// A network whose every step has more rows than threads in one case and fewer in another.
  private func compiled(window: Int = 7, isDynamic: Bool = false) throws -> Plan {
    var network = TinyNetwork(isDynamic: isDynamic)
    network.embed = 24
    network.depths = [2, 1, 1]
    network.window = window
    network.input = 40
    network.ratio = 4
    return try network.compile(pictures: 4).plan
  }

  @Test(arguments: [false, true])
  func everyISAAndThreadCountGivesTheSameBits(isDynamic: Bool) throws {
    for window in [3, 5, 7, 9] {
      let plan = try compiled(window: window, isDynamic: isDynamic)
      for isa in ISA.available {
        for threads in [1, 2, 3, 4, 7] {
          let engine = try Engine(plan: plan, threads: threads, isa: isa)
          #expect(
            engine.firstMismatch() == nil, "window \(window), \(isa.name), \(threads) threads")
        }
      }
    }
  }

  /// Groups of 1 to 6 channels and more, channels that are no multiple of 16, strips that end inside rows,
  /// and more threads than the last map has rows.
  @Test(arguments: [(3, 20, 20), (5, 4, 12), (7, 4, 24), (9, 3, 36), (7, 1, 40)])
  func inhomogeneousGivesTheSameBitsEverywhere(window: Int, groups: Int, embed: Int) throws {
    var network = TinyNetwork.inhomogeneous
    network.embed = embed
    network.groups = groups
    network.depths = [2, 1, 1]
    network.window = window
    network.input = 40
    let plan = try network.compile(pictures: 4).plan
    for isa in ISA.available {
      for threads in [1, 2, 3, 4, 7] {
        let engine = try Engine(plan: plan, threads: threads, isa: isa)
        #expect(engine.firstMismatch() == nil, "\(isa.name), \(threads) threads")
      }
    }
  }

  /// Inputs of 8 windows and, in the last cases, of a part of one more.
  @Test(arguments: [
    (2, 2, 10, 0), (3, 1, 24, 0), (4, 4, 8, 0), (5, 1, 20, 0), (8, 3, 24, 0), (3, 2, 10, 4),
    (5, 1, 16, 8),
  ])
  func swinGivesTheSameBitsEverywhere(window: Int, heads: Int, embed: Int, rest: Int) throws {
    var network = TinyNetwork.swin
    network.embed = embed
    network.heads = heads
    network.window = window
    network.input = 8 * window + rest
    let plan = try network.compile(pictures: 4).plan
    for isa in ISA.available {
      for threads in [1, 2, 3, 7] {
        let engine = try Engine(plan: plan, threads: threads, isa: isa)
        #expect(engine.firstMismatch() == nil, "\(isa.name), \(threads) threads")
      }
    }
  }

  /// Kernels wider than maps, channels that are no multiple of 16, more threads than rows, windows that
  /// reach beyond the map, and both norms in both attentions.
  @Test(arguments: [
    (3, 12, 32, [true, false, true]), (5, 20, 40, [false, true]), (7, 24, 16, [true]),
    (15, 8, 24, [true, false, false]), (1, 40, 24, [true, false, true]),
  ])
  func depthwiseViTGivesTheSameBitsEverywhere(
    window: Int, embed: Int, input: Int, keyNorms: [Bool]
  ) throws {
    var network = TinyNetwork.depthwiseViT
    network.embed = embed
    network.window = window
    network.input = input
    network.keyNorms = keyNorms
    let plan = try network.compile(pictures: 4).plan
    for isa in ISA.available {
      for threads in [1, 2, 3, 4, 7] {
        let engine = try Engine(plan: plan, threads: threads, isa: isa)
        #expect(engine.firstMismatch() == nil, "\(isa.name), \(threads) threads")
      }
    }
  }

  @Test(arguments: [TinyNetwork(), TinyNetwork(isDynamic: true), .swin, .depthwiseViT])
  func int16StreamGivesTheSameBitsEverywhere(network: TinyNetwork) throws {
    var network = network.wide
    network.embed = 24
    network.depths = [2, 1, 1]
    network.input = 40
    let plan = try network.compile(pictures: 4).plan
    #expect(plan.tensors.contains { $0.type == .int16 })
    for isa in ISA.available {
      for threads in [1, 2, 3, 7] {
        let engine = try Engine(plan: plan, threads: threads, isa: isa)
        #expect(engine.firstMismatch() == nil, "\(isa.name), \(threads) threads")
      }
    }
  }

  @Test(arguments: [(6, 24, 18, 13), (3, 12, 40, 40), (3, 24, 5, 50), (6, 48, 1, 1)])
  func dilateFormerGivesTheSameBitsEverywhere(
    heads: Int, embed: Int, width: Int, height: Int
  ) throws {
    var network = TinyNetwork.dilateFormer
    network.embed = embed
    network.heads = heads
    network.depths = [1, 2, 1]
    network.dilatedStages = 2
    (network.input, network.inputHeight) = (width, height)
    let plan = try network.compile(pictures: 4).plan
    for isa in ISA.available {
      for threads in [1, 2, 3, 7] {
        let engine = try Engine(plan: plan, threads: threads, isa: isa)
        #expect(engine.firstMismatch() == nil, "\(isa.name), \(threads) threads")
      }
    }
  }

  /// What threads share is in the arena once.
  @Test func furtherThreadsHaveNoSharedScratch() throws {
    var network = TinyNetwork.dilateFormer
    (network.input, network.inputHeight) = (120, 120)
    let plan = try network.compile(pictures: 1).plan
    var most = 0
    for step in plan.steps {
      let operands = plan.operands(of: step), output = operands.output
      let own = step.operation.scratch(operands, strip: step.stripRows).ownByteCount
      most = max(most, own)
      guard case .mapAttention = step.operation else { continue }
      #expect(step.scratchBytes >= own + output.shape.positions * 3 * output.shape.channels)
    }
    #expect(plan.scratchBytes == most)
    #expect(
      try Engine(plan: plan, threads: 3).memoryBytes == plan.arenaBytes + 2 * plan.scratchBytes)
  }

  @Test(arguments: [false, true])
  func runsAfterEachOtherGiveTheSameLogits(isDynamic: Bool) throws {
    let engine = try Engine(plan: compiled(isDynamic: isDynamic), threads: 2)
    let pictures = [UInt64(1), 2].map { Golden(seed: $0, stepHashes: []) }
    func logits(_ picture: Golden) -> [Float] {
      engine.withPicture { picture.fill($0) }
      engine.run()
      return Array(engine.logits)
    }
    let first = pictures.map(logits)
    #expect(first[0] != first[1])
    #expect(pictures.map(logits) == first)
  }

  @Test func impossibleRequestsAreErrors() throws {
    let plan = try compiled()
    #expect(throws: EngineError.threads(requested: 0)) { try Engine(plan: plan, threads: 0) }
    #expect(throws: EngineError.threads(requested: 65)) { try Engine(plan: plan, threads: 65) }
    let missing = ISA.allCases.filter { !$0.isAvailable }
    for isa in missing {
      #expect(throws: EngineError.unavailable(isa)) { try Engine(plan: plan, isa: isa) }
    }
    #expect(!missing.isEmpty)  // no CPU is both x86 and Arm
  }

  @Test func damagedWeightsFailVerification() throws {
    let plan = try compiled()
    var bytes = Array(plan.fileBytes)
    // Somewhere in the first matrix's biases, which no checker can find odd.
    guard case .patchEmbed(let embed) = plan.steps[0].operation else { return }
    let constantsStart = bytes.withUnsafeBytes { file in
      plan.constants.baseAddress.map { $0 - (plan.fileBytes.baseAddress ?? $0) } ?? file.count
    }
    bytes[constantsStart + embed.matrix.offset + 1] ^= 0x10
    PlanFormat.seal(&bytes)
    let engine = try Engine(plan: LVTTestSupport.plan(bytes))
    #expect(engine.firstMismatch() == 0)
  }
}
