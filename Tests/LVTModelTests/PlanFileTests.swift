// SPDX-License-Identifier: Apache-2.0
import LVTRuntime
import LVTTestSupport
import Testing

@testable import LVTModel

/// The reader against cut, damaged and crafted plans.
@Suite struct PlanFileTests {
  let bytes: [UInt8]

  init() throws { bytes = try tinyPlanBytes() }

  @Test(arguments: [false, true])
  func writtenPlanIsReadBack(isDynamic: Bool) throws {
    let plan = try plan(tinyPlanBytes(isDynamic: isDynamic))
    #expect(plan.steps.count == 11)
    #expect(plan.input.width == 16)
    #expect(plan.classCount == 5)
    #expect(plan.hashMatches())
    #expect(plan.golden.stepHashes.count == plan.steps.count)
  }

  @Test func planCutAtAnyLengthIsRejected() {
    for count in 0..<bytes.count {
      #expect(throws: PlanError.self, "cut at \(count)") { try plan(Array(bytes[..<count])) }
    }
  }

  @Test func anyFlippedByteIsNoticed() {
    var damaged = bytes
    for i in bytes.indices {
      damaged[i] ^= UInt8(truncatingIfNeeded: 1 << (i % 8))
      #expect(throws: PlanError.self, "byte \(i)") { try plan(damaged) }
      damaged[i] = bytes[i]
    }
  }

  @Test func longerPlanIsRejected() {
    #expect(throws: PlanError.self) { try plan(bytes + [0]) }
  }

  /// Mutants whose checksums are right again, so that the checks behind them are reached: each is
  /// refused with an error, or runs.
  @Test(arguments: [
    TinyNetwork(), TinyNetwork(isDynamic: true), .inhomogeneous, .swin, .dilateFormer,
    .depthwiseViT, TinyNetwork().wide,
  ])
  func sealedMutantsAreRefusedOrRun(tiny: TinyNetwork) throws {
    let bytes = try tiny.compile().bytes
    var generator = SplitMix64(seed: 20)
    var refused = 0, ran = 0
    let contentsEnd = try plan(bytes).fileBytes.count - plan(bytes).constants.count
    for i in 0..<5_000 {
      var mutant = bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        // Nine of ten hit what is not weights, where the structure is.
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        let at = i % 10 == 0 ? position : structural(position, contentsEnd, bytes.count)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: mutant[at] ^= UInt8(1 << Int.random(in: 0..<8, using: &generator))
        case 1: mutant[at] = [0x00, 0x01, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
        case 2: mutant[at] = UInt8.random(in: 0...255, using: &generator)
        default:
          let from = structural(
            Int.random(in: 0..<bytes.count, using: &generator), contentsEnd, bytes.count)
          for j in 0..<8 where at + j < mutant.count && from + j < mutant.count {
            mutant[at + j] = bytes[from + j]
          }
        }
      }
      PlanFormat.seal(&mutant)
      do {
        let engine = try Engine(plan: try plan(mutant), threads: i % 2 + 1)
        engine.withPicture { Golden(seed: 3, stepHashes: []).fill($0) }
        engine.run()
        #expect(engine.logits.count == engine.plan.classCount)
        ran += 1
      } catch is PlanError {
        refused += 1
      } catch is EngineError {
        refused += 1
      }
    }
    #expect(refused > 1250)
    #expect(ran > 125)
  }

  /// Maps a position to one outside the constants, which lie before the last two sections.
  private func structural(_ position: Int, _ structureBytes: Int, _ byteCount: Int) -> Int {
    let p = position % structureBytes
    let tail = 700
    return p < structureBytes - tail ? p : byteCount - (structureBytes - p)
  }

  @Test func newerVersionIsNamed() {
    var newer = bytes
    let version = PlanFormat.version
    newer[8] = UInt8(version + 1)
    PlanFormat.seal(&newer)
    #expect(throws: PlanError.unsupportedVersion(found: version + 1, supported: version)) {
      try plan(newer)
    }
  }

  @Test func unknownOperationIsNamed() throws {
    let step = PlanFormat.headerBytes + 4 * PlanFormat.sectionRecordBytes
    var newer = bytes
    let section = newer[step + 8..<step + 12].reversed().reduce(0) { $0 << 8 | Int($1) }
    // Threads, steps; inputs, the input, the output, two numbers for the scratch, the strip.
    newer[section + 2 * 4 + 3 * 4 + 2 * 8 + 4] = 200
    PlanFormat.seal(&newer)
    #expect(throws: PlanError.unknownOperation(code: 200)) { try plan(newer) }
  }

  @Test func otherFilesAreNoPlans() {
    #expect(throws: PlanError.notAPlan) { try plan([]) }
    #expect(throws: PlanError.notAPlan) { try plan(Array("PK\u{3}\u{4} something else".utf8)) }
  }

  @Test func missingFileIsUnreadable() {
    #expect(throws: PlanError.unreadable(reason: "No such file or directory")) {
      try Plan(path: "/nonexistent/model.lvt")
    }
    #expect(throws: PlanError.unreadable(reason: "Is a directory")) { try Plan(path: "/") }
  }
}
