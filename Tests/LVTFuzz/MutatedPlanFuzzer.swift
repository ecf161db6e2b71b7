// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport

@testable import LVTModel

extension Fuzzer {
  /// The input is a plan file.
  static let mutatedPlans = Fuzzer(
    name: "mutated-plans", summary: "plan files with altered sections and right checksums",
    longest: 1 << 17,
    seeds: {
      var networks: [TinyNetwork] = [
        TinyNetwork(), TinyNetwork(isDynamic: true), .inhomogeneous, .swin, .depthwiseViT,
        .dilateFormer, .swin.wide,
      ]
      // Small, so that there are many runs a second.
      for i in networks.indices { networks[i].depths = networks[i].depths.map { _ in 1 } }
      return try networks.map { try $0.compile(pictures: 1).bytes }
        + (0..<300).compactMap { PlanMaker.smallDetector($0) }.filter { $0.count < 1 << 16 }.prefix(
          8)
    },
    mutate: { input, generator, change in
      guard var mutation = PlanMutation(input) else { return change(&input) }
      input = mutation.mutated(&generator, change)
    },
    run: { input in
      let plan: Plan
      do throws(PlanError) { plan = try Plan(copying: input, limits: PlanTrial.limits) } catch {
        _ = error.description
        return
      }
      // The poison takes as long as the memory is large.
      guard plan.arenaBytes + 2 * plan.scratchBytes <= 1 << 23 else { return }
      try PlanTrial(plan: plan).run()
    })
}

/// Alters numbers of a plan where they mean something, and mends what would be refused before they are
/// looked at.
private struct PlanMutation {
  private var plan: PlanSections
  private var areConstantsTouched = false

  init?(_ file: [UInt8]) {
    guard let plan = PlanSections(file) else { return nil }
    self.plan = plan
  }

  /// How often each section is altered, in percent.
  private static let shares: [(section: PlanFormat.Section, share: Int)] = [
    (.steps, 40), (.constants, 16), (.tensors, 15), (.buffers, 13), (.input, 5), (.outputs, 4),
    (.labels, 3), (.provenance, 2), (.golden, 2),
  ]
  /// Sections whose numbers say each other's extents.
  private static let related: [PlanFormat.Section] = [
    .input, .buffers, .tensors, .steps, .outputs,
  ]

  /// Limits and their neighbours, and floats: ½, 1, 2¹⁴, 2¹⁶, 2⁻⁴⁰, 2²⁴, the largest and least, infinities, NaN.
  private static let words: [UInt32] =
    [
      0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 22, 23, 31, 32, 33, 48, 63, 64, 65, 100, 127, 128,
      129, 192, 255, 256, 257, 484, 512, 1023, 1024, 4096, 16383, 16384, 16385, 32767, 32768, 65535,
      65536, 65537, 1 << 22, 1 << 24, 1 << 30, 1 << 31, 0x7FFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFE,
      0xFFFF_FF80, 0xFFFF_FF7F, 0xFFFF_FFC0,
    ]
    + [
      0.5, 1, 16384, 65536, 0x1p-40, 0x1p24, 0x1p80, 0.25, .greatestFiniteMagnitude,
      .leastNormalMagnitude, .infinity, -.infinity, .nan, -0.0,
    ].map { (value: Float) in value.bitPattern }

  mutating func mutated(
    _ generator: inout SplitMix64, _ change: (inout [UInt8]) -> Void
  ) -> [UInt8] {
    for _ in 0..<Int.random(in: 1...4, using: &generator) { alter(&generator, change) }
    if areConstantsTouched || Bool.random(using: &generator) { plan.mendPanels() }
    // The header's count of multiplications is right, but sometimes.
    let isWrong = Int.random(in: 0..<20, using: &generator) == 0
    return plan.file(
      multiplications: isWrong ? UInt32.random(in: 0...UInt32.max, using: &generator) : nil)
  }

  private mutating func alter(_ generator: inout SplitMix64, _ change: (inout [UInt8]) -> Void) {
    var at = Int.random(in: 0..<100, using: &generator)
    var section = PlanFormat.Section.steps
    for (candidate, share) in Self.shares {
      if at < share {
        section = candidate
        break
      }
      at -= share
    }
    if section == .constants { areConstantsTouched = true }
    switch Int.random(in: 0..<100, using: &generator) {
    case ..<25: replaceEverywhere(&generator)
    case ..<70: alterWord(of: section, &generator)
    case ..<75: makeRoom()
    case ..<90 where section != .constants: change(&plan[section])
    default: resizeConstants(&generator)
    }
  }

  private func offset(in section: PlanFormat.Section, _ generator: inout SplitMix64) -> Int? {
    let words = plan[section].count / 4
    return words == 0 ? nil : 4 * Int.random(in: 0..<words, using: &generator)
  }

  private mutating func alterWord(of section: PlanFormat.Section, _ generator: inout SplitMix64) {
    guard let at = offset(in: section, &generator),
      let other = offset(in: section, &generator)
    else { return }
    let word = plan[section].word(at: at)
    let replacement =
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: Self.words[Int.random(in: Self.words.indices, using: &generator)]
      case 1: word &+ UInt32(bitPattern: Int32.random(in: -70...70, using: &generator))
      case 2: plan[section].word(at: other)
      default: UInt32.random(in: 0...UInt32.max, using: &generator)
      }
    plan[section].store(replacement, at: at)
  }

  /// Puts another number in a number's place wherever it stands, so that extents still agree.
  private mutating func replaceEverywhere(_ generator: inout SplitMix64) {
    let source = Self.related[Int.random(in: Self.related.indices, using: &generator)]
    guard let at = offset(in: source, &generator) else { return }
    let old = plan[source].word(at: at)
    let new =
      Bool.random(using: &generator)
      ? Self.words[Int.random(in: Self.words.indices, using: &generator)]
      : old &+ UInt32(bitPattern: Int32.random(in: -20...20, using: &generator))
    let sections = Bool.random(using: &generator) ? Self.related : [source]
    for section in sections {
      for at in stride(from: 0, to: plan[section].count - 3, by: 4)
      where plan[section].word(at: at) == old { plan[section].store(new, at: at) }
    }
  }

  /// Lets buffers, tensors and scratch be as large as the other numbers ask, if there is such a memory.
  private mutating func makeRoom() {
    guard let contents = PlanSections.contents(of: plan.file()),
      contents.tensors.allSatisfy({ tensor in
        max(tensor.shape.height, tensor.shape.width, tensor.shape.channels) <= 1 << 16
      })
    else { return }
    var roomy = contents
    var end = 0
    for i in roomy.buffers.indices {
      let bytes = roomy.tensors.filter { $0.buffer == i }.map(\.byteCount).max() ?? 0
      guard bytes <= 1 << 22 else { return }
      roomy.buffers[i].byteCount = (bytes + 63) / 64 * 64
      roomy.buffers[i].offset = end
      end += roomy.buffers[i].byteCount
    }
    let scratch = roomy.steps.map(\.scratchBytes).max() ?? 0
    for i in roomy.steps.indices { roomy.steps[i].scratchOffset = end }
    roomy.arenaBytes = end + scratch
    if let again = PlanSections(roomy.encoded(constants: plan[.constants], hashed: false)) {
      plan = again
    }
  }

  private mutating func resizeConstants(_ generator: inout SplitMix64) {
    if Bool.random(using: &generator) {
      plan[.constants] += [UInt8](
        repeating: 0, count: 64 * Int.random(in: 1...64, using: &generator))
    } else {
      let count = Int.random(in: 0...plan[.constants].count, using: &generator)
      plan[.constants].removeSubrange(count...)
    }
  }
}
