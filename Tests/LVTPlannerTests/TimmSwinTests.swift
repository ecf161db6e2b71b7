// SPDX-License-Identifier: Apache-2.0
import LVTImage
import LVTModel
import LVTPlanner
import LVTRuntime
import LVTTestSupport
import Testing

/// timm's own logits, which `Tests/Fixtures/networks/make_timm.py` writes.
@Suite struct TimmSwinTests {
  struct Case: CustomTestStringConvertible {
    let testDescription: String
    let size: PictureSize
    let windows: SwinWindows?
    let logits: [Float]
  }

  private static let weights = fixtures + "/networks/timm-swin.safetensors"

  static func cases() throws -> [Case] {
    let logits = try Checkpoint.read(path: fixtures + "/networks/timm-swin-logits.safetensors")
    return logits.tensors.sorted { $0.key < $1.key }.compactMap { name, tensor in
      let parts = name.split(separator: "-"), edges = parts[0].split(separator: "x")
      guard let width = Int(edges[0]), let height = Int(edges[1]) else { return nil }
      return Case(
        testDescription: name, size: PictureSize(width: width, height: height),
        windows: parts.count > 1 ? .timmAlwaysPartition : nil, logits: tensor.values)
    }
  }

  private func network(_ test: Case) throws -> Network {
    var options = Network.Options()
    options.inputSize = test.size
    options.windows = test.windows
    return try Network(Checkpoint.read(path: Self.weights), options: options)
  }

  @Test func everySizeIsThere() throws {
    #expect(try Self.cases().count == 29)
  }

  @Test(arguments: try Self.cases())
  func logitsAreTimms(test: Case) throws {
    let area = test.size.width * test.size.height
    // From 3 × height × width to height × width × 3.
    let input = (0..<3 * area).map { i in
      Float((i % 3 * area + i / 3) * 7 % 23) / 11 - 1
    }
    let logits = FloatExecutor(try network(test)).logits(input)
    #expect(logits.count == test.logits.count)
    for (a, b) in zip(logits, test.logits) { #expect(abs(a - b) < 1e-5) }
  }

  /// Odd maps that are merged, windows shifted along one axis, padding behind what is rolled.
  @Test(arguments: ["18x18", "20x16", "26x18", "34x18", "10x6-always", "12x20-always"])
  func plansFollowOnEveryInstructionSet(name: String) throws {
    let test = try #require(try Self.cases().first { $0.testDescription == name })
    let network = try network(test)
    var generator = SplitMix64(seed: 5)
    let pictures = (0..<6).map { _ in
      (0..<3 * test.size.width * test.size.height).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
    }
    for residual in [ResidualWidth.int8, .int16] {
      var options = Planner.Options()
      options.residual = residual
      let compiled = try Planner(options: options).compile(network, pictures: pictures)
      #expect(compiled.agreement.decibels > 20)
      for isa in ISA.available {
        for threads in [1, 3] {
          let engine = try Engine(plan: compiled.plan, threads: threads, isa: isa)
          #expect(engine.firstMismatch() == nil)
        }
      }
    }
  }

  @Test func windowsLongerThanAMapAreRefusedWithAReason() throws {
    let small = Case(
      testDescription: "", size: PictureSize(width: 24, height: 12), windows: nil, logits: [])
    let error = #expect(throws: NetworkError.self) { try network(small) }
    #expect(error?.description.contains("windows of 4×4, but the map has 3×6") == true)
    #expect(error?.description.contains("--windows timm-always-partition") == true)
  }

  @Test func windowsThatAMapCutsToOblongsAreRefusedWithAReason() throws {
    var checkpoint = try Checkpoint.read(path: Self.weights)
    // timm cuts 4 × 4 windows to 3 × 4 on a map of 3 × 6.
    checkpoint.tensors["layers.1.blocks.0.attn.relative_position_bias_table"] = FloatTensor(
      shape: [35, 2], values: [Float](repeating: 0, count: 70))
    var options = Network.Options()
    options.inputSize = PictureSize(width: 24, height: 12)
    let error = #expect(throws: NetworkError.self) { try Network(checkpoint, options: options) }
    #expect(error?.description.contains("not oblong ones, cut to a map of 3×6") == true)
  }

  @Test func whatTheTensorsDoNotTellIsSaid() throws {
    let test = try #require(try Self.cases().first { $0.testDescription == "16x16" })
    #expect(
      try network(test).assumptions.map { $0.description } == [
        "windows as in the code 'timm' (--windows)", "global pool avg (--global-pool)",
      ])
    var options = Network.Options()
    options.inputSize = test.size
    options.windows = .timm
    options.pooling = .maximum
    #expect(try Network(Checkpoint.read(path: Self.weights), options: options).assumptions == [])
  }
}
