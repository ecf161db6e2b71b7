// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTModel
import LVTTestSupport
import Testing

@testable import LVTPlanner

/// A plan beside its network, layer by layer.
@Suite struct CompareTests {
  static let networks: [TinyNetwork] = [
    TinyNetwork(), TinyNetwork().wide, TinyNetwork(isDynamic: true), .inhomogeneous, .swin,
    .depthwiseViT, .dilateFormer, .segmenter, .semanticSegmenter, .rcnn(), .detector,
  ]

  /// Each compiled and compared with its plan, once.
  private static let comparisons = networks.map { tiny in
    Result {
      let compiled = try tiny.compile()
      return (compiled, try compare(tiny, compiled))
    }
  }

  private static func compare(
    _ tiny: TinyNetwork, _ compiled: CompiledPlan, pictures: Int = 8
  ) throws -> LayerComparison {
    try LayerComparison(
      network: tiny.network(), plan: compiled.plan, pictures: tiny.pictures(pictures))
  }

  @Test(arguments: networks.indices)
  func whatResultsAreMadeOfIsAsNearAsThePlannerFound(index: Int) throws {
    let tiny = Self.networks[index], network = try tiny.network()
    let (compiled, comparison) = try Self.comparisons[index].get()
    let found = network.compared.compactMap { value in
      network.graph.values[value.value].producer.flatMap {
        comparison.layers[$0].figures?.decibels
      }
    }
    #expect(comparison.pictures == 8 && comparison.layers.count == compiled.plan.steps.count)
    #expect(found.count == compiled.agreement.decibelsOfValues.count)
    for (found, expected) in zip(found, compiled.agreement.decibelsOfValues) {
      // The planner measures a pyramid's maps with their channels scaled.
      let isPyramid = [.retina, .rcnn(stages: 1)].contains(tiny.denseHead)
      #expect(abs(found - expected) < (isPyramid ? 4 : 0.05))
    }
  }

  @Test(arguments: networks.indices)
  func channelsAreComparedInTheNetworksUnits(index: Int) throws {
    for layer in try Self.comparisons[index].get().1.layers {
      guard let figures = layer.figures else { continue }
      // Factors that were left out or applied the wrong way would give some decibels.
      #expect(figures.decibels > 15 && figures.clipped < 0.02, "\(layer)")
      #expect(figures.meanShift < 0.1)
      #expect(figures.worst.reduce(0) { $0 + $1.share } <= 1.000_001)
    }
  }

  @Test func factorsAreReadBackFromThePlan() throws {
    let tiny = TinyNetwork(), compiled = try tiny.compile()
    var equalized = try tiny.network()
    let made = equalized.graph.equalize(
      try Calibration.ranges(equalized, pictures: tiny.pictures(8)) { _ in })
    #expect(ChannelFactors(compiled.plan) == made && made.provenance.count > 1)
    var many = ChannelFactors()
    many[3] = (1...2000).map { Float($0) / 7 }
    // No text of a plan is longer than 4096 bytes.
    #expect(many.provenance.map { $0.value.utf8.count } == [1, 4096, 4096, 2476])
  }

  @Test func aPlanOfAnotherNetworkIsRefused() throws {
    let compiled = try TinyNetwork().compile()
    var deeper = TinyNetwork()
    deeper.depths = [1, 2]
    var larger = TinyNetwork()
    larger.input = 32
    for (other, word) in [
      (deeper, "steps"), (larger, "input"), (.swin, "network"), (.inhomogeneous, "network"),
    ] {
      let error = #expect(throws: ComparisonError.self) {
        _ = try Self.compare(other, compiled).pictures
      }
      #expect("\(try #require(error))".contains("the same options: \(word)"))
    }
    var options = Network.Options()
    options.inputSize = TinyNetwork().size
    options.mean = [0.5, 0.5, 0.5]
    let grey = try Network(TinyNetwork().checkpoint(), options: options)
    let error = #expect(throws: ComparisonError.self) {
      _ = try LayerComparison(
        network: grey, plan: compiled.plan, pictures: TinyNetwork().pictures(1)
      ).pictures
    }
    #expect("\(try #require(error))".contains("pixels.mean of the plan is 0.485, 0.456, 0.406"))
  }

  @Test func aPlanWithoutFactorsIsRefused() throws {
    let tiny = TinyNetwork(), compiled = try tiny.compile()
    for damage in ["gone", "short", "negative"] {
      var contents = compiled.contents
      let i = try #require(
        contents.provenance.lastIndex { $0.key.hasPrefix(ChannelFactors.prefix) })
      switch damage {
      case "gone": contents.provenance.remove(at: i)
      case "short": contents.provenance[i].value = "AACAPw=="
      default:
        let count = contents.provenance[i].value.count
        contents.provenance[i].value = String(repeating: "AACAvwAAgL8AAIC/", count: count / 16)
      }
      let plan = try Planner.read(
        contents.encoded(constants: compiled.constants), of: compiled.network)
      let error = #expect(throws: ComparisonError.self) {
        _ = try LayerComparison(
          network: tiny.network(), plan: plan, pictures: tiny.pictures(1)
        ).pictures
      }
      #expect("\(try #require(error))".contains("compile it anew"))
    }
  }

  @Test func withoutFactorsLayersWouldBeFarOff() throws {
    let tiny = TinyNetwork(), compiled = try tiny.compile()
    var contents = compiled.contents
    contents.provenance.removeAll { $0.key.hasPrefix(ChannelFactors.prefix) }
    contents.provenance += ChannelFactors().provenance
    let plan = try Planner.read(
      contents.encoded(constants: compiled.constants), of: compiled.network)
    let found = try LayerComparison(
      network: tiny.network(), plan: plan, pictures: tiny.pictures(2)
    ).layers.compactMap { $0.figures?.decibels }
    #expect((found.min() ?? 0) < 5)
  }

  @Test func sumsAreOfWhatIntegersStandFor() {
    let tensor = Tensor(
      shape: Shape(height: 1, width: 2, channels: 2), type: .int8,
      quantization: Quantization(scale: 0.5, zeroPoint: -10), buffer: 0)
    var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
    for (position, channel, value) in [(0, 0, -10), (0, 1, 127), (1, 0, -6), (1, 1, -8)] {
      bytes[position * tensor.pitch + channel] = UInt8(bitPattern: Int8(value))
    }
    var sums = LayerSums(channels: 2)
    // The second channel is twice as large in the plan: integers stand for 0, 68.5 / 2, 2, 1 / 2.
    bytes.withUnsafeBytes {
      sums.add(float: [0, 40, 1.5, 0.5], $0, tensor, factors: [1, 2])
    }
    #expect(sums.signal == [2.25, 1600.25] && sums.noise == [0.25, 33.0625])
    #expect(sums.shift == [0.5, -5.75] && sums.positions == 2)
    // 80 is above 0.5 · 137.5; the greatest integer stands for 68.5.
    #expect(sums.clippedShare == 0.25)
    #expect(abs(sums.decibels - 10 * log10(1602.5 / 33.3125)) < 1e-9)
    #expect(abs(sums.meanShift - (33.3125 / 2 / 1602.5).squareRoot()) < 1e-9)
  }

  @Test func thePicturesThatDifferMostComeFirst() throws {
    let tiny = TinyNetwork()
    let all = try Self.compare(tiny, tiny.compile(), pictures: 20).outcomes
    #expect(all.count == LayerComparison.mostOutcomes)
    #expect(Set(all.map { $0.picture }).count == all.count)
    for (worse, better) in zip(all, all.dropFirst()) {
      #expect((worse.agreement, worse.decibels) <= (better.agreement, better.decibels))
    }
  }

  @Test func theTableFitsATerminalAndJSONHasItsNumbers() throws {
    let comparison = try #require(Self.comparisons.last).get().1
    let table = CompareTable(comparison)
    let lines = table.text.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 80 } && lines.count >= comparison.layers.count + 5)
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(table.json.utf8)) as? [String: Any])
    let layers = try #require(object["layers"] as? [[String: Any]])
    #expect(object["pictures"] as? Int == 8 && layers.count == comparison.layers.count)
    for (layer, json) in zip(comparison.layers, layers) {
      #expect(json["layer"] as? String == layer.name)
      #expect((json["sqnr_db"] == nil) == (layer.figures == nil))
      guard let figures = layer.figures else { continue }
      #expect(abs((json["sqnr_db"] as? Double ?? 0) - figures.decibels) < 0.001)
      #expect(lines[layer.step + 1].contains(String(format: "%.1f", figures.decibels)))
    }
    #expect(layers.last?["operation"] as? String == "detect")
  }
}
