// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTCapture
import LVTPlanner
import LVTTestSupport
import Testing

/// The bundled network from checkpoint to label.
@Suite struct BundledNetworkTests {
  private static let demo = repository + "/tools/demo"

  private static let compiled = Result {
    let checkpoint = try Checkpoint.read(path: demo + "/model.safetensors")
    var options = Network.Options()
    options.inputSize = PictureSize(square: 64)
    let network = try Network(checkpoint, options: options)
    var planning = Planner.Options()
    planning.labels = try String(contentsOfFile: demo + "/labels.txt", encoding: .utf8)
      .split(separator: "\n").map(String.init)
    let loader = try PictureLoader(
      InputSpec(width: 64, height: 64, interpolation: .bilinear))
    let pictures = try loader.load(folder: demo + "/calibration", limit: 64) { _ in }
    return try Planner(options: planning).compile(network, pictures: pictures)
  }

  @Test func picturesGetTheirLabels() throws {
    let plan = try Self.compiled.get().plan
    let classifier = try Classifier(engine: Engine(plan: plan, threads: 2))
    let decoder = try PictureDecoder()
    let paths = try PictureFiles(at: Self.demo + "/pictures", kinds: decoder.kinds).paths
    #expect(paths.count >= 8)
    for path in paths {
      let label = try decoder.read(path: path).withView { view throws(ImageError) in
        try classifier.classify(view).top(1).first?.label
      }
      // ankle-boot-1.jpg shows an "Ankle boot".
      let words = path.split(separator: "/").last?.split(separator: "-").dropLast() ?? []
      let name = words.joined(separator: " ")
      let simple = label?.lowercased().replacingOccurrences(
        of: "[^a-z]+", with: " ", options: .regularExpression)
      #expect(simple == name, "\(path)")
    }
  }

  @Test func planIsNearTheFloatNetwork() throws {
    let agreement = try Self.compiled.get().agreement
    #expect(agreement.decibels >= 33)
    #expect(agreement.share >= 0.96)
  }

  @Test func arenaIsOptimal() throws {
    let compiled = try Self.compiled.get()
    #expect(compiled.arenaIsOptimal && compiled.plan.arenaBytes == compiled.arenaLowerBound)
  }

  @Test func planningAgainGivesTheSameBytes() throws {
    let tiny = TinyNetwork()
    #expect(try tiny.compile().bytes == tiny.compile().bytes)
  }
}

/// Plans that an earlier build wrote: the format and every kernel must still agree with them.
@Suite struct StoredPlanTests {
  @Test(arguments: [
    "tiny", "tiny-dynamic", "tiny-inhomogeneous", "tiny-swin", "tiny-dilateformer",
    "tiny-depthwise-vit", "tiny-int16", "tiny-detector", "tiny-segmenter", "tiny-rcnn",
    "tiny-cascade",
  ])
  func storedPlanStillGivesItsGoldenHashes(name: String) throws {
    let plan = try Plan(path: fixtures + "/plan/\(name).lvt")
    #expect(plan.hashMatches())
    for isa in ISA.available {
      for threads in 1...4 {
        let engine = try Engine(plan: plan, threads: threads, isa: isa)
        #expect(engine.firstMismatch() == nil, "\(isa.name), \(threads) threads")
      }
    }
  }

  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["LVT_WRITE_FIXTURES"] != nil,
      "only to make the fixtures anew"))
  func writeStoredPlans() throws {
    var plain = TinyNetwork()
    plain.embed = 12
    plain.window = 7
    plain.input = 32
    var dynamic = plain
    dynamic.isDynamic = true
    var inhomogeneous = plain
    inhomogeneous.groups = 4
    let networks = [
      ("tiny", plain), ("tiny-dynamic", dynamic), ("tiny-inhomogeneous", inhomogeneous),
      ("tiny-swin", .swin), ("tiny-dilateformer", .dilateFormer),
      ("tiny-depthwise-vit", .depthwiseViT), ("tiny-int16", plain.wide),
      ("tiny-detector", .detector), ("tiny-segmenter", .segmenter), ("tiny-rcnn", .rcnn()),
      ("tiny-cascade", .rcnn(stages: 2)),
    ]
    for (name, tiny) in networks {
      let bytes = try tiny.compile().bytes
      try Data(bytes).write(to: URL(fileURLWithPath: fixtures + "/plan/\(name).lvt"))
    }
  }
}
