// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTRuntime
import LVTTestSupport
import Testing

@testable import LVTPlanner

/// Weights that no training makes, but files can hold: a plan that verifies, or an error that names the layer.
@Suite struct ExtremeValuesTests {
  private func compile(
    _ tiny: TinyNetwork, _ change: (inout Checkpoint) -> Void
  ) throws -> CompiledPlan {
    var checkpoint = tiny.checkpoint()
    change(&checkpoint)
    var options = Network.Options()
    options.inputSize = tiny.size
    if tiny.dilatedStages != nil, let heads = tiny.heads {
      options.heads = tiny.depths.indices.map { heads << $0 }
    }
    var planning = Planner.Options()
    planning.residual = .int8
    return try Planner(options: planning).compile(
      Network(checkpoint, options: options), pictures: tiny.pictures(2))
  }

  private func verify(_ compiled: CompiledPlan) throws {
    for isa in ISA.available {
      #expect(try Engine(plan: compiled.plan, threads: 2, isa: isa).firstMismatch() == nil)
    }
  }

  private static let networks: [TinyNetwork] = [
    TinyNetwork(), TinyNetwork(isDynamic: true), .inhomogeneous, .swin, .dilateFormer,
    .depthwiseViT,
  ]
  private static let values: [Float] = [0, 1e-45, 1e-38, 1e10, 1e15, -1e20, 1e30, -3.4e38]

  /// Each tensor of each family in turn is filled with one value; which value turns with the tensors.
  @Test(arguments: networks)
  func filledTensorsGiveAPlanOrOneLine(tiny: TinyNetwork) throws {
    for (i, name) in tiny.checkpoint().tensors.keys.sorted().enumerated() {
      let value = Self.values[i % Self.values.count]
      do {
        try verify(
          compile(tiny) { checkpoint in
            guard let shape = checkpoint.tensors[name]?.shape else { return }
            checkpoint.tensors[name] = FloatTensor(
              shape: shape, values: [Float](repeating: value, count: shape.reduce(1, *)))
          })
      } catch let error as PlannerError {
        if case .inconsistent = error { Issue.record("\(name) = \(value): \(error)") }
        #expect(!"\(error)".contains("\n"))
      } catch let error as NetworkError {
        #expect(!"\(error)".contains("\n"))
      }
    }
  }

  @Test func infinityInTheMiddleNamesItsLayer() throws {
    let error = #expect(throws: PlannerError.self) {
      try compile(TinyNetwork()) { checkpoint in
        for part in ["fc1", "fc2"] {
          let name = "layers.1.blocks.0.mlp.\(part).weight"
          guard let shape = checkpoint.tensors[name]?.shape else { return }
          checkpoint.tensors[name] = FloatTensor(
            shape: shape, values: [Float](repeating: 1e38, count: shape.reduce(1, *)))
        }
      }
    }
    guard case .values(layer: "layers.1.blocks.0.mlp") = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func notFiniteNamesItsLayer() throws {
    var checkpoint = TinyNetwork().checkpoint()
    let name = "layers.1.blocks.0.mlp.fc1.weight"
    let shape = checkpoint.tensors[name]?.shape ?? []
    checkpoint.tensors[name] = FloatTensor(
      shape: shape, values: [Float](repeating: 3e38, count: shape.reduce(1, *)))
    var options = Network.Options()
    options.inputSize = TinyNetwork().size
    let executor = FloatExecutor(try Network(checkpoint, options: options))
    let input = executor.normalized(TinyNetwork().pictures(1)[0])
    #expect(executor.firstNotFinite(input) == "layers.1.blocks.0.mlp")
  }

  /// The drift of rounded weights can be greater than the bias that it is added to.
  @Test func biasHasRoomForItsCorrection() {
    let matrix = FloatMatrix(
      inputs: 64, outputs: 1, weights: (0..<64).map { 1 + Float($0 % 7) * 0.013 }, bias: [0])
    let means = [Double](repeating: 0x1p40, count: 64)
    let quantized = QuantizedMatrix(
      matrix, inputScale: 0x1p-60, bestScales: matrix.bestScales, means: means
    ) {
      RoundedWeights(matrix, [Int8](repeating: 127, count: 64), scales: $0, means: means)
    }
    #expect(quantized.bias[0].magnitude <= 1 << 28)
    #expect(quantized.weights.allSatisfy { $0 >= -127 })
  }

  @Test(
    arguments: [
      (Double.nan, 0), (.infinity, 1 << 30), (-.infinity, -1 << 30), (1e300, 1 << 30), (2.5, 2),
      (-3.5, -4),
    ] as [(Double, Int32)])
  func roundingIsBounded(value: Double, expected: Int32) {
    #expect(Int32(rounding: value) == expected)
  }
}
