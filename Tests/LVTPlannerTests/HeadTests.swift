// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport
import Testing

@testable import LVTModel
@testable import LVTPlanner

/// Heads against a plain reference, on the maps that the float network's stages end with.
@Suite struct HeadTests {
  /// What each stage ends with, and the maps in front of the result.
  private func run(
    _ tiny: TinyNetwork
  ) throws -> (ends: [ReferenceHeads.Map], raw: [RawMap], outputs: [[Float]]) {
    let network = try tiny.network(), executor = FloatExecutor(network)
    let picture = executor.normalized(tiny.pictures(1)[0])
    var ends: [String: ReferenceHeads.Map] = [:]
    let outputs = executor.outputs(picture) { point, values, channels in
      guard point.role == .output, let name = network.graph.name(of: point.value) else { return }
      let shape = network.graph.values[point.value].shape
      ends[name] = ReferenceHeads.Map(shape.height, shape.width, shape.channels, values)
    }
    let stages = tiny.depths.enumerated().compactMap { stage, depth in
      ends["layers.\(stage).blocks.\(depth - 1).mlp"]
    }
    try #require(stages.count == tiny.depths.count)
    return (stages, executor.rawMaps(picture), outputs)
  }

  private func expectEqual(_ raw: RawMap, _ map: ReferenceHeads.Map) {
    #expect(raw.shape == Shape(height: map.height, width: map.width, channels: map.channels))
    let worst = zip(raw.values, map.values).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst < 1e-3, "\(raw.name): \(worst)")
  }

  /// The logits of a segmenter are the reference's, and the class of every pixel is the greatest of the upsampled
  /// ones, where that is clear.
  private func expectSegments(
    _ tiny: TinyNetwork, as reference: (ReferenceHeads, [ReferenceHeads.Map]) -> ReferenceHeads.Map
  ) throws {
    let (ends, raw, outputs) = try run(tiny)
    let heads = ReferenceHeads(tensors: tiny.checkpoint().tensors)
    let logits = reference(heads, ends)
    try #require(raw.count == 1)
    expectEqual(raw[0], logits)
    let pixels = heads.bilinear(logits, tiny.size.height, tiny.size.width)
    for (i, label) in outputs[0].enumerated() {
      let values = pixels.values[i * logits.channels..<(i + 1) * logits.channels]
      #expect(values[values.startIndex + Int(label)] > (values.max() ?? 0) - 1e-3)
    }
  }

  @Test func upperNetIsThePapers() throws {
    try expectSegments(.segmenter) { $0.upperNet($1) }
  }

  @Test(arguments: [50, 64])
  func semanticFPNIsThePapers(height: Int) throws {
    // Sides that halve exactly, and such as do not.
    var tiny = TinyNetwork.semanticSegmenter
    tiny.inputHeight = height
    try expectSegments(tiny) { $0.semanticFPN($1) }
  }

  @Test func retinaNetIsThePapers() throws {
    let tiny = TinyNetwork.detector
    let (ends, raw, _) = try run(tiny)
    let levels = ReferenceHeads(tensors: tiny.checkpoint().tensors).retina(
      ends, levels: tiny.depths.count)
    try #require(raw.count == 2 * levels.count)
    for (i, level) in levels.enumerated() {
      expectEqual(raw[2 * i], level.classes)
      expectEqual(raw[2 * i + 1], level.boxes)
    }
  }
}
