// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LVTPlanner

struct PickleReaderTests {
  private func read(
    _ pickle: [UInt8]
  ) throws(ImportError) -> (value: PickleReference, heap: PickleHeap) {
    try PickleReader.read(file(pickle), in: 0..<pickle.count)
  }

  private func kind(_ pickle: String) throws(ImportError) -> String {
    let (value, heap) = try read(Array(pickle.utf8))
    return heap.kind(value)
  }

  private func fault(_ pickle: [UInt8]) -> String? {
    message { () throws(ImportError) in _ = try read(pickle) }
  }

  /// The pickle inside a fixture.
  private func pickle(in name: String) throws -> [UInt8] {
    let builder = try ZipBuilder(unpacking: fixture(name))
    return try #require(builder.entries.first { $0.name.hasSuffix("/data.pkl") }).data
  }

  @Test func textProtocolIsUnderstood() throws {
    #expect(try kind("I42\n.") == "the integer 42")
    #expect(try kind("I-42\n.") == "the integer -42")
    #expect(try kind("I01\n.") == "a bool")
    #expect(try kind("L123L\n.") == "the integer 123")
    #expect(try kind("L123456789012345678901234567890L\n.").hasPrefix("bytes"))
    #expect(try kind("F1.5\n.") == "a float")
    #expect(try kind("S'text'\np0\n.") == "the string 'text'")
    #expect(try kind("Vtext\n.") == "the string 'text'")
    #expect(try kind("(I1\nI2\nt.") == "a tuple of 2")
    #expect(try kind("(I1\nI2\nl.") == "a list of 2")
    #expect(try kind("(Va\nI2\nd.") == "a dictionary of 1")
    #expect(try kind("(lp0\nI1\nag0\na.") == "a list of 2")
    #expect(try kind("(lp0\n(I1\nI2\nI3\neg0\n0.") == "a list of 3")
    #expect(try kind("(dVa\nI1\ns.") == "a dictionary of 1")
    #expect(try kind("I1\nI2\n0.") == "the integer 1")
    #expect(try kind("I1\n(I2\nI3\n1.") == "the integer 1")
    #expect(try kind("(I1\n2l.") == "a list of 2")
  }

  @Test func integersKeepTheirSign() throws {
    let cases: [([UInt8], Int64)] = [
      ([0x8A, 0], 0), ([0x8A, 1, 0xFF], -1), ([0x8A, 2, 0xFF, 0x00], 255),
      ([0x8A, 8, 0, 0, 0, 0, 0, 0, 0, 0x80], .min), ([0x8B, 1, 0, 0, 0, 0x80], -128),
      ([0x4A, 0xFE, 0xFF, 0xFF, 0xFF], -2), ([0x4D, 0xFF, 0xFF], 65_535), ([0x4B, 0xFF], 255),
    ]
    for (bytes, expected) in cases {
      let (value, heap) = try read(bytes + [0x2E])
      guard case .integer(let found) = heap[value] else {
        Issue.record("\(bytes) is no integer")
        continue
      }
      #expect(found == expected)
    }
  }

  @Test func unknownClassesBecomeInertObjects() throws {
    for pickle in [
      "cos\nsystem\n(Vrm -rf /\ntR.", "(ios\nsystem\n.", "(cos\nsystem\nVrm\no.",
      "cos\nsystem\n)R}Va\nI1\nsb.", "cos\nsystem\n)R(I1\nI2\ne.", "cos\nsystem\n)RVa\nI1\ns.",
    ] {
      #expect(try kind(pickle) == "an object of os.system")
    }
    #expect(try kind("cos\nsystem\n)R)R.") == "an object of os.system")
  }

  @Test func orderedDictionaryKeepsItems() throws {
    #expect(try kind("ccollections\nOrderedDict\n)R(Va\nI1\nVb\nI2\nu.") == "a dictionary of 2")
    #expect(try kind("ccollections\nOrderedDict\n(((Va\nI1\ntltR.") == "a dictionary of 1")
    #expect(try kind("ccollections\nOrderedDict\n((lp0\n(Va\nI1\ntatR.") == "a dictionary of 1")
  }

  @Test(arguments: [
    ".", "0.", "1.", "2.", "t.", "(.", "I1\nI2\n.", "\u{1}", "h\u{0}.", "g5\n.", "p0\n.", "a.",
    "I1\nI2\na.", "I1\nI2\ns.", "s.", "u.", "(u.", "}(I1\nu.", "R.", "I1\n)R.", "b.", "I1\nb.",
    "c\n", "cos\n", "Ix\n.", "Fx\n.", "S'a\n.", "Lx\n.", "(o.", "I1\nQ.", "(I1\nQ.", "e.", "]e.",
    "cos\nsystem\nI1\nR.", "PAB\n.", "ctorch._utils\n_rebuild_tensor_v2\n)R.",
    "ccollections\nOrderedDict\n(I1\ntR.",
  ])
  func nonsenseIsRejected(pickle: String) {
    #expect(fault(Array(pickle.utf8)) != nil)
  }

  @Test func errorNamesTheInstruction() {
    #expect(
      fault(Array("I1\nI2\na.".utf8))
        == "test: at byte 6: expected a list to append to, found the integer 1")
    #expect(
      fault([0x80, 2, 0xFF]) == "test: at byte 2: expected a pickle instruction, found byte 255")
    #expect(fault([0x80, 6, 0x2E]) == "test: at byte 0: expected pickle protocol 0 to 5, found 6")
  }

  @Test(arguments: [0x58, 0x42, 0x54, 0x8B] as [UInt8]) func hugeLengthIsRejected(opcode: UInt8) {
    #expect(fault([opcode, 0xFF, 0xFF, 0xFF, 0xFF, 0x2E])?.contains("found the end") == true)
  }

  @Test(arguments: [0x8D, 0x8E, 0x96, 0x95] as [UInt8]) func hugeLongLengthIsRejected(opcode: UInt8)
  {
    for last: UInt8 in [0x7F, 0x80, 0xFF] {
      #expect(fault([opcode] + [UInt8](repeating: 0xFF, count: 7) + [last, 0x2E]) != nil)
    }
  }

  @Test func selfReferenceIsHarmless() throws {
    // d = {}; d['model'] = d, and l = []; l.append(l).
    #expect(try kind("}p0\nVmodel\ng0\ns.") == "a dictionary of 1")
    #expect(try kind("]p0\ng0\na.") == "a list of 1")
    var builder = ZipBuilder([("archive/data.pkl", Array("}p0\nVmodel\ng0\ns.".utf8))])
    builder.crc32 = 0
    let archive = builder.build()
    #expect(
      message { () throws(ImportError) in _ = try Checkpoint.read(file(archive)) }?
        .contains("'model'") == true)
  }

  @Test(.timeLimit(.minutes(1))) func doublingListsAreCheap() throws {
    // Each list holds the one before twice: 2^100000 items, if anything ever copied them.
    var pickle: [UInt8] = [0x5D]
    for _ in 0..<100_000 { pickle += [0x71, 0, 0x68, 0, 0x86] }
    #expect(try read(pickle + [0x2E]).heap.kind(read(pickle + [0x2E]).value) == "a tuple of 2")
  }

  @Test(.timeLimit(.minutes(1))) func copyingOneListOverAndOverIsRejected() {
    // A long list of pairs, given to OrderedDict again and again.
    var pickle: [UInt8] = Array("ccollections\nOrderedDict\nq\u{0}(".utf8)
    pickle += [0x28]
    pickle += Array("K\u{1}K\u{1}".utf8) + [0x86, 0x71, 1]
    for _ in 0..<50_000 { pickle += [0x68, 1] }
    pickle += [0x6C, 0x85, 0x71, 2, 0x30]
    for _ in 0..<50_000 { pickle += [0x68, 0, 0x68, 2, 0x52] }
    #expect(fault(pickle)?.contains("fewer copied items") == true)
  }

  @Test(.timeLimit(.minutes(1))) func deepNestingIsRejectedOrHarmless() throws {
    let marks = [UInt8](repeating: 0x28, count: 1_000_000)
    #expect(fault(marks)?.contains("nesting") == true)
    let tuples = [0x29] + [UInt8](repeating: 0x85, count: 1_000_000) + [0x2E]
    #expect(try read(tuples).heap.kind(read(tuples).value) == "a tuple of 1")
  }

  @Test(.timeLimit(.minutes(1))) func endlessPickleIsRejected() {
    let pickle = [UInt8](repeating: 0x4E, count: PickleReader.maximumInstructionCount + 1)
    #expect(fault(pickle)?.contains("number of pickle instructions") == true)
  }

  @Test(arguments: ["nested.pth", "protocol4.pth", "types.pth", "untyped.pth", "sparse.pth"])
  func truncatedPickleIsRejectedAtEveryLength(name: String) throws {
    let pickle = try pickle(in: name)
    expectErrorAtEveryLength(of: pickle) { file throws(ImportError) in
      _ = try PickleReader.read(file, in: 0..<file.count)
    }
    #expect(fault(pickle) == nil)
  }

  @Test(
    .timeLimit(.minutes(1)), arguments: ["nested.pth", "protocol4.pth", "types.pth", "untyped.pth"])
  func damagedPickleNeverCrashes(name: String) throws {
    expectNoCrash(mutating: try pickle(in: name), rounds: 4_000, seed: 2) {
      file throws(ImportError) in _ = try PickleReader.read(file, in: 0..<file.count)
    }
  }

  @Test(.timeLimit(.minutes(1))) func randomInstructionsNeverCrash() {
    var generator = SeededGenerator(seed: 3)
    let opcodes = (UInt8.min...UInt8.max).filter { PickleOpcode(rawValue: $0) != nil }
    for _ in 0..<20_000 {
      let pickle = (0..<40).map { _ in
        Bool.random(using: &generator)
          ? opcodes[Int.random(in: opcodes.indices, using: &generator)]
          : UInt8.random(in: 0..<4, using: &generator)
      }
      _ = fault(pickle)
    }
  }
}
