// SPDX-License-Identifier: Apache-2.0
import LVT
import LVTTestSupport
import Testing

@testable import LVTModel
@testable import LVTPlanner
@testable import LVTRuntime

/// Two-stage detectors against a plain reference, on the levels that the float network makes.
@Suite struct TwoStageTests {
  @Test(arguments: [1, 2]) func networkIsThePapers(stages: Int) throws {
    let tiny = TinyNetwork.rcnn(stages: stages), network = try tiny.network()
    var seen: [String: FloatMap] = [:]
    let executor = FloatExecutor(network)
    let outputs = executor.outputs(executor.normalized(tiny.pictures(1)[0])) { point, values, _ in
      guard point.role == .output, let name = network.graph.name(of: point.value) else { return }
      seen[name] = FloatMap(values: values, shape: network.graph.values[point.value].shape)
    }
    let levels = try ["neck.fpn_convs.0", "neck.fpn_convs.1", "neck.fpn_convs.2"].map {
      try #require(seen[$0])
    }.map { map in
      ReferenceHeads.Map(map.shape.height, map.shape.width, map.shape.channels, map.values)
    }
    let further = try ["neck.level3", "neck.level4"].map { try #require(seen[$0]) }.map { map in
      ReferenceHeads.Map(map.shape.height, map.shape.width, map.shape.channels, map.values)
    }
    // Every second position.
    for (finer, coarser) in zip([levels[2]] + further, further) {
      #expect(coarser.height == (finer.height + 1) / 2 && coarser.width == (finer.width + 1) / 2)
      for y in 0..<coarser.height {
        for x in 0..<coarser.width { #expect(coarser[y, x, 3] == finer[2 * y, 2 * x, 3]) }
      }
    }
    let reference = ReferenceRCNN(
      heads: ReferenceHeads(tensors: tiny.checkpoint().tensors), strides: [2, 4, 8, 16, 32],
      classes: tiny.classes,
      picture: (width: Double(tiny.size.width), height: Double(tiny.size.height)))

    let proposals = reference.proposals(levels + further, scale: 2, count: 12)
    let found = try regions(#require(seen["rpn_head"]))
    #expect(found.count == proposals.count)
    for (box, known) in zip(found, proposals) { expectEqual(box, known.box, 1e-3) }

    let boxes = reference.boxes(proposals, levels, stages: stages, count: 9)
    let rows = stride(from: 0, to: outputs[0].count, by: 6).map { Array(outputs[0][$0..<$0 + 6]) }
    #expect(boxes.count > 2)
    for (i, known) in boxes.enumerated() {
      expectEqual(SIMD4(rows[i][..<4]), known.box, 1e-2)
      #expect(abs(Double(rows[i][4]) - known.score) < 1e-4)
      #expect(Int(rows[i][5]) == known.classIndex)
      let mask = reference.mask(known, levels, stages: stages)
      let worst = mask.indices.map { abs(Double(outputs[1][i * 784 + $0]) - mask[$0]) }.max()
      #expect((worst ?? 1) < 1e-3)
    }
    #expect(rows[boxes.count...].allSatisfy { $0 == [0, 0, 0, 0, 0, 0] })
    #expect(outputs[1][(784 * boxes.count)...].allSatisfy { $0 == 0 })
  }

  private func expectEqual(_ box: SIMD4<Float>, _ known: [Double], _ tolerance: Double) {
    for i in 0..<4 { #expect(abs(Double(box[i]) - known[i]) < tolerance) }
  }

  @Test func cellsAreMeansOfSamples() {
    var generator = SplitMix64(seed: 9)
    let levels = [(24, 32), (12, 16), (6, 8)].map { height, width in
      ReferenceHeads.Map(height, width, 3) { _, _, _ in Float.random(in: -1...1, using: &generator)
      }
    }
    let reference = ReferenceRCNN(
      heads: ReferenceHeads(tensors: [:]), strides: [4, 8, 16], classes: 1,
      picture: (width: 128, height: 96))
    var align = RegionAlign()
    align.strides = [4, 8, 16]
    // Outside, at the edges, without area, and anywhere.
    var boxes: [[Double]] = [
      [0, 0, 128, 96], [-500, -500, -400, -300], [130, 100, 300, 200], [120, 90, 140, 110],
      [-20, -20, 10, 10], [30, 30, 30, 60], [30, 30, 60, 30], [7, 7, 7, 7], [0, 0, 1e-3, 1e-3],
    ]
    for _ in 0..<40 {
      let x = Double.random(in: -10...110, using: &generator)
      let y = Double.random(in: -10...80, using: &generator)
      boxes.append([
        x, y, x + Double.random(in: 0...140, using: &generator),
        y + Double.random(in: 0...100, using: &generator),
      ])
    }
    let maps = levels.map {
      FloatMap(
        values: $0.values, shape: Shape(height: $0.height, width: $0.width, channels: $0.channels))
    }
    for side in [1, 7, 14] {
      align.side = side
      for box in boxes {
        let cells = align.cells(of: SIMD4(box.map { Float($0) }), maps)
        // Numbers of samples change at whole positions, which float32 rounds otherwise.
        let known = reference.cells(box.map { Double(Float($0)) }, levels, side: side)
        let worst = zip(cells, known.values).map { abs($0 - $1) }.max() ?? 1
        #expect(worst < 1e-5, "\(side) cells of \(box)")
      }
    }
  }

  @Test func aThousandEqualRegionsAreOne() {
    var step = Proposals()
    step.regions = 5
    let box = SIMD4<Float>(1, 2, 30, 40)
    let equal = (0..<1000).map { Region(box: box, logit: 1, index: Int32($0)) }
    var out = [Float](repeating: -1, count: 25), levels = [UInt8](repeating: 0, count: 5)
    RegionSelection(step).run(
      levels: 1, equal, room: 1000, counts: [1000], levelOfRegion: &levels, to: &out)
    #expect(out[..<4] == [1, 2, 30, 40] && out[4] == sigmoid(1))
    #expect(out[5...].allSatisfy { $0 == 0 })
    // Of another level they stay, those of the finer one first.
    RegionSelection(step).run(
      levels: 2, equal, room: 500, counts: [500, 500], levelOfRegion: &levels, to: &out)
    #expect(out[5..<9] == [1, 2, 30, 40] && out[10...].allSatisfy { $0 == 0 })
    #expect(levels[..<2] == [0, 1])
    // None at all.
    RegionSelection(step).run(
      levels: 1, equal, room: 1000, counts: [0], levelOfRegion: &levels, to: &out)
    #expect(out.allSatisfy { $0 == 0 })
  }

  @Test func classesThatDoNotPassAreNotFound() {
    var step = Boxes()
    step.stages = 1
    step.boxes = 4
    step.reading.classes = 3
    step.reading.picture = Extent(height: 50, width: 50)
    func find(_ logits: [Float], regions: Int) -> [Float] {
      var rows: [Float] = [], said: [Float] = []
      for i in 0..<3 {
        rows += i < regions ? [Float(10 * i), 0, Float(10 * i + 8), 20, 0.5] : [0, 0, 0, 0, 0]
        said += logits + [Float](repeating: 0, count: 12)
      }
      return FloatBoxes(step: step).run(
        [
          FloatMap(values: rows, shape: Shape(height: 1, width: 3, channels: 5)),
          FloatMap(values: said, shape: Shape(height: 1, width: 3, channels: 16)),
        ], to: Shape(height: 1, width: 4, channels: 6)
      ) { _, _, _ in }
    }
    #expect(find([0, 0, 0, 9], regions: 3).allSatisfy { $0 == 0 })
    #expect(find([9, 0, 0, 0], regions: 0).allSatisfy { $0 == 0 })
    let found = find([9, 0, 0, 0], regions: 3)
    #expect(stride(from: 5, to: 24, by: 6).map { found[$0] } == [0, 0, 0, 0])
    #expect(stride(from: 4, to: 24, by: 6).map { found[$0] > 0.9 } == [true, true, true, false])
    // Extreme logits are no numbers that are not.
    #expect(find([1e30, -1e30, 0, 1e30], regions: 1)[4] == 0.5)
  }

  @Test(arguments: [1, 2]) func planFindsWhatTheNetworkFinds(stages: Int) throws {
    let compiled = try TinyNetwork.rcnn(stages: stages).compile()
    #expect(compiled.agreement.decibels > 20)
    let tiny = TinyNetwork.rcnn(stages: stages), executor = FloatExecutor(compiled.network)
    let engine = try Engine(plan: compiled.plan)
    var same = 0, all = 0
    for picture in tiny.pictures(4) {
      engine.run(picture: picture)
      let float = Detection.list(executor.outputs(executor.normalized(picture))[0])
      let int8 = Detection.list(engine.outputs[0].values)
      same += float.matches(int8)
      all += float.count
    }
    #expect(all > 10 && Double(same) >= 0.8 * Double(all), "\(same) of \(all)")
  }

  @Test(arguments: [
    "rpn_head.stages.0.rpn_cls.weight", "rpn_head.conv_loc.weight",
    "rpn_head.rpn_conv.0.conv.weight", "roi_head.shared_head.layer4.0.conv1.weight",
    "roi_head.mask_iou_head.fcs.0.weight", "roi_head.semantic_head.conv_logits.weight",
    "neck.fpn_convs.8.conv.weight",
  ])
  func networksThatAreLikeItAreNamed(tensor: String) throws {
    let tiny = TinyNetwork.rcnn()
    var checkpoint = tiny.checkpoint()
    for level in 3...8 {
      for part in ["weight", "bias"] where tensor.hasPrefix("neck.") {
        checkpoint.tensors["neck.fpn_convs.\(level).conv.\(part)"] =
          checkpoint.tensors["neck.fpn_convs.2.conv.\(part)"]
      }
    }
    checkpoint.tensors[tensor] =
      checkpoint.tensors[tensor] ?? FloatTensor(shape: [1], values: [1])
    let error = #expect(throws: NetworkError.self) { try tiny.network(of: checkpoint) }
    guard case .unsupported(tensor, _) = error else {
      Issue.record("\(tensor): \(error.map { "\($0)" } ?? "none")")
      return
    }
  }

  @Test func headsThatLackTheOthersAreNamed() {
    let tiny = TinyNetwork.rcnn(stages: 2)
    for missing in [
      "roi_head.bbox_head.1.fc_cls.weight", "roi_head.mask_head.1.conv_logits.weight",
    ] {
      var checkpoint = tiny.checkpoint()
      checkpoint.tensors[missing] = nil
      #expect(throws: NetworkError.missing(tensor: missing, family: "R-CNN")) {
        try tiny.network(of: checkpoint)
      }
    }
  }

  @Test(arguments: [
    (1, "rpn_head.rpn_cls.weight", [4, 8, 1, 1], "for 3 anchors"),
    (1, "roi_head.bbox_head.shared_fcs.0.weight", [20, 393], "of a square of cells"),
    (1, "roi_head.bbox_head.shared_fcs.1.weight", [20, 21], "of 20 columns"),
    (1, "roi_head.bbox_head.fc_reg.weight", [8, 20], "of 4 rows"),
    (1, "roi_head.mask_head.conv_logits.weight", [2, 7, 1, 1], "of 1 or 3 rows"),
    (1, "roi_head.mask_head.convs.1.conv.weight", [5, 5, 1, 1], "of the one before"),
    (2, "roi_head.bbox_head.1.fc_cls.weight", [5, 20], "of 4 rows"),
    (2, "roi_head.mask_head.1.convs.0.conv.weight", [5, 8, 1, 1], "of the other heads' kernel"),
  ])
  func tensorsThatDoNotFitAreNamed(
    stages: Int, tensor: String, shape: [Int], expected: String
  ) throws {
    let tiny = TinyNetwork.rcnn(stages: stages)
    var checkpoint = tiny.checkpoint()
    func put(_ name: String, _ shape: [Int]) {
      checkpoint.tensors[name] = FloatTensor(
        shape: shape, values: [Float](repeating: 0.1, count: shape.reduce(1, *)))
    }
    put(tensor, shape)
    put(tensor.replacing(".weight", with: ".bias"), [shape[0]])
    let error = #expect(throws: NetworkError.self) { try tiny.network(of: checkpoint) }
    guard case .wrongShape(tensor, let known, shape) = error, known.contains(expected) else {
      Issue.record("\(error.map { "\($0)" } ?? "none")")
      return
    }
  }

  @Test(arguments: ["shared_fcs.0.weight", "fc_cls.weight"])
  func boxHeadsNeedTheirProducts(missing: String) {
    let tiny = TinyNetwork.rcnn(), tensor = "roi_head.bbox_head.\(missing)"
    var checkpoint = tiny.checkpoint()
    checkpoint.tensors[tensor] = nil
    #expect(throws: NetworkError.missing(tensor: tensor, family: "R-CNN")) {
      try tiny.network(of: checkpoint)
    }
  }

  @Test func deviationsAreOfEachStage() {
    var options = Network.Options()
    options.inputSize = TinyNetwork.rcnn(stages: 2).size
    options.twoStage.deviations = [SIMD4(repeating: 1)]
    #expect(throws: NetworkError.self) {
      try Network(TinyNetwork.rcnn(stages: 2).checkpoint(), options: options)
    }
  }

  @Test func levelsThatAStepCannotReadAreRefused() {
    var options = Network.Options()
    options.inputSize = TinyNetwork.rcnn().size
    options.detection.strides = [Int](repeating: 4, count: 9)
    #expect(
      throws: NetworkError.option(
        name: "--anchor-strides with 9 numbers", family: "pyramid of at most 8 levels")
    ) { try Network(TinyNetwork.rcnn().checkpoint(), options: options) }
  }
}
