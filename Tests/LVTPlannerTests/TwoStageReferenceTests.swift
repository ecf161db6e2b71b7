// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import Testing

@testable import LVTModel
@testable import LVTPlanner
@testable import LVTRuntime

/// What published code makes of two-stage checkpoints with random weights, in the folder LVT_TWO_STAGE_REFERENCES.
@Suite(
  .enabled(
    if: ProcessInfo.processInfo.environment["LVT_TWO_STAGE_REFERENCES"] != nil,
    "the references are too large for the repository; tools/check-two-stage runs this"))
struct TwoStageReferenceTests {
  private let folder = ProcessInfo.processInfo.environment["LVT_TWO_STAGE_REFERENCES"] ?? ""

  private func reference(_ name: String) throws -> [String: FloatTensor] {
    let file = try FileBytes(path: "\(folder)/\(name)/reference.safetensors")
    return Dictionary(
      uniqueKeysWithValues: try SafetensorsReader(file).tensors().map { ($0.name, $0.tensor) })
  }

  private func worst(_ a: some Sequence<Float>, _ b: some Sequence<Float>) -> Float {
    zip(a, b).map { abs($0 - $1) }.max() ?? .infinity
  }

  @Test func regionsAreAligned() throws {
    let tensors = try reference("roi_align")
    let levels = try ["P2", "P3", "P4", "P5"].map { name in
      let tensor = try #require(tensors[name])
      return Self.map(tensor.values, tensor.shape)
    }
    let boxes = try Self.boxes(#require(tensors["boxes"]))
    var align = RegionAlign()
    align.strides = [4, 8, 16, 32]
    let known = try #require(tensors["levels"]).values
    #expect(boxes.map { Float(align.level(of: $0)) } == known)
    for side in [7, 14] {
      align.side = side
      let expected = try #require(tensors["out\(side)"])
      for (i, box) in boxes.enumerated() {
        let size = 4 * side * side
        let wanted = Self.map(
          Array(expected.values[i * size..<(i + 1) * size]), [4, side, side])
        let error = worst(align.cells(of: box, levels), wanted.values)
        #expect(error <= 1e-5, "box \(i), \(side) cells: \(error)")
      }
    }
  }

  /// Values in the order channel, row, column as a map.
  private static func map(_ values: [Float], _ shape: [Int]) -> FloatMap {
    let area = shape[1] * shape[2]
    return FloatMap(
      values: (0..<area).flatMap { i in (0..<shape[0]).map { values[$0 * area + i] } },
      shape: Shape(height: shape[1], width: shape[2], channels: shape[0]))
  }

  private static func boxes(_ tensor: FloatTensor) -> [SIMD4<Float>] {
    stride(from: 0, to: tensor.values.count, by: tensor.shape[1]).map { i in
      SIMD4(tensor.values[i..<i + 4])
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let picture: Int
    let width, height: Int
    /// The part of the input that the picture fills, and input over original pixels.
    let extent: Extent
    let scale: SIMD4<Float>
    /// Columns of the original picture.
    var columns: Int { Int((Float(extent.width) / scale.x).rounded()) }
    var testDescription: String { "\(name) \(picture)" }
  }

  static let cases = [
    Case(
      name: "maskrcnn_swin", picture: 0, width: 128, height: 96,
      extent: Extent(height: 96, width: 128), scale: SIMD4(repeating: 1)),
    Case(
      name: "maskrcnn_swin", picture: 1, width: 128, height: 96,
      extent: Extent(height: 87, width: 114),
      scale: SIMD4(0.7124999761581421, 0.7131147384643555, 0.7124999761581421, 0.7131147384643555)
    ),
    Case(
      name: "cascade_dwnet", picture: 0, width: 160, height: 128,
      extent: Extent(height: 128, width: 160), scale: SIMD4(repeating: 1)),
    Case(
      name: "cascade_dwnet", picture: 1, width: 160, height: 128,
      extent: Extent(height: 119, width: 146),
      scale: SIMD4(0.7156862616539001, 0.71257483959198, 0.7156862616539001, 0.71257483959198)),
  ]

  private func network(_ test: Case) throws -> Network {
    var options = Network.Options()
    options.inputSize = PictureSize(width: test.width, height: test.height)
    options.detection.selection.anchorsOfLevel = 40
    options.twoStage.proposals = 48
    options.twoStage.picture = test.extent
    return try Network(
      Checkpoint.read(path: "\(folder)/\(test.name)/checkpoint.pth"), options: options)
  }

  @Test(arguments: cases) func floatNetworkIsThePublishedCode(_ test: Case) throws {
    let tensors = try reference(test.name), network = try network(test)
    let inputs = try #require(tensors["inputs"])
    let size = 3 * test.width * test.height
    let picture = Self.map(
      Array(inputs.values[test.picture * size..<(test.picture + 1) * size]),
      [3, test.height, test.width])
    var seen: [Point: [Float]] = [:]
    let results = FloatExecutor(network).results(picture.values) { point, values, _ in
      seen[point] = values
    }
    func known(_ name: String) throws -> FloatTensor {
      try #require(tensors["\(name)_\(test.picture)"])
    }
    func value(_ name: String) throws -> Graph.ValueID {
      try #require(network.graph.nodes.first { $0.name == name }).output
    }
    let proposals = try value("rpn_head")
    for level in 0..<5 {
      for (name, role) in [
        ("rpn_cls", Point.Role.classLogits(level: level)), ("rpn_reg", .boxOffsets(level: level)),
      ] {
        let expected = try known("\(name)_\(level)")
        let error = worst(
          try #require(seen[Point(value: proposals, role: role)]),
          Self.map(expected.values, expected.shape).values)
        #expect(error < 1e-3, "\(name) of level \(level): \(error)")
      }
    }
    // Proposals as sets.
    let found = try regions(
      FloatMap(
        values: #require(seen[Point(value: proposals, role: .output)]),
        shape: network.graph.values[proposals].shape))
    let wanted = Self.boxes(try known("proposals"))
    #expect(found.count == wanted.count)
    for box in wanted {
      #expect(found.contains { intersectionOverUnion($0, box) >= 0.999 }, "\(box)")
    }
    // Objects.
    let rows = Detection.rows(results.outputs[0])
    let boxes = Self.boxes(try known("boxes")), scores = try known("scores").values
    let labels = try known("labels").values
    #expect(rows.count == boxes.count)
    var order: [Int] = []
    for (i, box) in boxes.enumerated() {
      let match = rows.firstIndex { row in
        row.label == labels[i] && worstOf(row.box / test.scale - box) <= 0.05
          && abs(row.score - scores[i]) <= 1e-4
      }
      order.append(match ?? 0)
      #expect(match != nil, "box \(i): \(box), \(scores[i])")
    }
    #expect(order == Array(boxes.indices))
    // Masks.
    let mask = try value("roi_head.mask_head"), logits = try known("mask_logits")
    let stages = logits.shape[0], classes = 3 + (stages > 1 ? 1 : 0), area = 28 * 28
    let all = try #require(tensors["mask_probs_\(test.picture)"]).values
    #expect(worst(results.outputs[1].prefix(all.count), all) <= 2e-3)
    for stage in 0..<stages {
      let made = try #require(seen[Point(value: mask, role: .maskLogits(stage: stage))])
      #expect(made.count == boxes.count * area * classes)
      var error: Float = 0
      for box in boxes.indices {
        for i in 0..<area {
          let cell = i / 4, y = 2 * (cell / 14) + i % 4 / 2, x = 2 * (cell % 14) + i % 2
          error = max(
            error,
            abs(
              made[(box * area + i) * classes + Int(labels[box])]
                - logits.values[(stage * boxes.count + box) * area + y * 28 + x]))
        }
      }
      #expect(error <= 2e-3, "mask logits of stage \(stage): \(error)")
    }
    try expectPasted(test, rows.map { $0.box / test.scale }, results.outputs[1], tensors)
  }

  /// Masks in the original picture are the reference's but where those say that rounding decides.
  private func expectPasted(
    _ test: Case, _ boxes: [SIMD4<Float>], _ probabilities: [Float],
    _ tensors: [String: FloatTensor]
  ) throws {
    let known = try #require(tensors["masks_\(test.picture)"])
    let undecided = try #require(tensors["undecided_\(test.picture)"])
    let height = known.shape[1], pitch = known.shape[2]
    for (i, box) in boxes.enumerated() {
      let runs = RunLengths(
        pasting: probabilities[i * 784..<(i + 1) * 784], side: 28,
        box: Box(x: box.x, y: box.y, width: box.z - box.x, height: box.w - box.y),
        width: test.columns, height: height)
      var pixels = [UInt8](repeating: 2, count: test.columns * height)
      pixels.withUnsafeMutableBufferPointer {
        runs.write(to: $0, height: height, stride: test.columns)
      }
      func bit(_ tensor: FloatTensor, _ x: Int, _ y: Int) -> UInt8 {
        UInt8(tensor.values[(i * height + y) * pitch + x / 8]) >> (7 - x % 8) & 1
      }
      var wrong = 0
      for y in 0..<height {
        for x in 0..<test.columns where bit(undecided, x, y) == 0 {
          wrong += bit(known, x, y) == pixels[y * test.columns + x] ? 0 : 1
        }
      }
      #expect(wrong == 0, "mask \(i): \(wrong) pixels")
    }
  }

  private func worstOf(_ v: SIMD4<Float>) -> Float { (0..<4).map { abs(v[$0]) }.max() ?? 0 }
}

extension Detection {
  fileprivate static func rows(
    _ values: [Float]
  ) -> [(box: SIMD4<Float>, score: Float, label: Float)] {
    stride(from: 0, to: values.count, by: 6).filter { values[$0 + 4] > 0 }.map { i in
      (SIMD4(values[i..<i + 4]), values[i + 4], values[i + 5])
    }
  }
}
