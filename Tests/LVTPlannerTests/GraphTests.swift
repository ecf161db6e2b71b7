// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

@testable import LVTPlanner

@Suite struct GraphTests {
  private static let shape = Shape(height: 4, width: 4, channels: 2)

  /// Doubles each of two channels, or adds.
  private func product(_ factor: Float = 2, relu: Bool = false, adds: Bool = false)
    -> FloatPointwise
  {
    FloatPointwise(
      matrix: FloatMatrix(
        inputs: 2, outputs: 2, weights: [factor, 0, 0, factor], bias: [0, 0]), relu: relu,
      residual: adds ? Resampling.none : nil)
  }

  private func empty() -> Graph { Graph(picture: Self.shape) }

  private func network(_ graph: Graph) -> Network {
    Network(
      family: "test", inputSize: PictureSize(square: 4), mean: [0, 0, 0], deviation: [1, 1, 1],
      assumptions: [], graph: graph)
  }

  @Test func consumersAreThoseThatReadAValue() throws {
    var graph = empty()
    let a = try graph.add("a", product(), 0)
    let b = try graph.add("b", product(), a)
    let sum = try graph.add("sum", product(adds: true), b, b)
    #expect(graph.consumers(of: a) == [1])
    #expect(graph.consumers(of: b) == [2, 2])
    #expect(graph.soleConsumer(of: a) == 1)
    #expect(graph.soleConsumer(of: b) == nil)
    graph.outputs = [
      Graph.Output(name: "a", kind: .map, value: a),
      Graph.Output(name: "s", kind: .map, value: sum),
    ]
    #expect(graph.soleConsumer(of: a) == nil)
  }

  @Test func operandsThatDoNotFitAreRefused() throws {
    var graph = empty()
    let wide = FloatPointwise(
      matrix: FloatMatrix(inputs: 3, outputs: 1, weights: [1, 1, 1], bias: [0]), relu: false,
      residual: nil)
    #expect(throws: NetworkError.operands(layer: "wide", found: [Self.shape])) {
      try graph.add("wide", wide, 0)
    }
    #expect(throws: NetworkError.self) { try graph.add("alone", product(adds: true), 0) }
  }

  /// A value lives as long as something reads it, however much later.
  @Test func oldValuesAreStillThere() throws {
    var graph = empty()
    let first = try graph.add("first", product(), 0)
    var value = first
    for i in 0..<9 { value = try graph.add("\(i)", product(1), value) }
    let sum = try graph.add("sum", product(1, adds: true), value, first)
    graph.outputs = [
      Graph.Output(name: "sum", kind: .map, value: sum),
      Graph.Output(name: "first", kind: .map, value: first),
    ]
    let picture = (0..<32).map { Float($0) }
    let found = FloatExecutor(network(graph)).outputs(picture)
    #expect(found[0] == picture.map { 4 * $0 })
    #expect(found[1] == picture.map { 2 * $0 })
  }

  /// Two that read a value, or a result, keep it as it is.
  @Test func onlyASoleConsumerIsEqualized() throws {
    func graph(readTwice: Bool, isResult: Bool) throws -> Graph {
      var graph = empty()
      let relu = try graph.add("relu", product(relu: true), 0)
      var value = try graph.add("next", product(), relu)
      if readTwice { value = try graph.add("sum", product(adds: true), value, relu) }
      graph.outputs = [Graph.Output(name: "map", kind: .map, value: value)]
      if isResult { graph.outputs.append(Graph.Output(name: "r", kind: .map, value: relu)) }
      return graph
    }
    for (readTwice, isResult, isChanged) in [
      (false, false, true), (true, false, false), (false, true, false),
    ] {
      let graph = try graph(readTwice: readTwice, isResult: isResult)
      let picture = (0..<32).map { Float($0 % 2 == 0 ? $0 : 100 * $0) }
      var ranges: [Point: Statistics] = [:]
      let before = FloatExecutor(network(graph)).outputs(picture) { point, values, channels in
        ranges[point, default: Statistics(channels: channels)].addRanges(values)
      }
      var equalized = graph
      equalized.equalize(ranges)
      let first = equalized.nodes[0].operation as? FloatPointwise
      #expect((first?.matrix.weights != [2, 0, 0, 2]) == isChanged)
      let after = FloatExecutor(network(equalized)).outputs(picture)
      for (a, b) in zip(before, after) {
        for (a, b) in zip(a, b) { #expect(abs(a - b) <= 1e-4 * abs(a)) }
      }
    }
  }

  /// Streams are what additions join; a chain of products has none.
  @Test func streamsAreJoinedByAdditions() throws {
    var graph = empty()
    let a = try graph.add("a", product(), 0)
    let b = try graph.add("b", product(), a)
    let c = try graph.add("c", product(adds: true), b, a)
    let d = try graph.add("d", product(), c)
    let e = try graph.add("e", product(), d)
    let f = try graph.add("f", product(adds: true), e, d)
    let stages = graph.residualStages
    #expect([a, c].map { stages[$0] } == [0, 0])
    #expect([d, f].map { stages[$0] } == [1, 1])
    #expect([0, b, e].allSatisfy { stages[$0] == nil })
    #expect(graph.wideStages == [0, 1])
  }

  @Test func streamsThatConvolutionsReadAreNotWide() throws {
    #expect(try TinyNetwork.dilateFormer.network().graph.wideStages == [])
    #expect(try TinyNetwork().network().graph.wideStages == [0, 1])
  }

  /// As `torch.nn.functional.adaptive_avg_pool2d(torch.arange(12.).reshape(1, 1, 3, 4), 2)`, and for 5 parts of an
  /// axis, of which some have the same places.
  @Test func adaptiveMeansAreThoseOfPyTorch() throws {
    let map = FloatMap(
      values: (0..<12).map { Float($0) }, shape: Shape(height: 3, width: 4, channels: 1))
    func means(_ bins: Int) -> [Float] {
      let operation = FloatAdaptiveMean(bins: bins)
      let shape = operation.outputShape(of: [map.shape]) ?? map.shape
      return operation.run([map], to: shape) { _, _, _ in }
    }
    #expect(means(1) == [5.5])
    #expect(means(2) == [2.5, 4.5, 6.5, 8.5])
    #expect(
      means(5) == [
        0, 0.5, 1.5, 2.5, 3, 2, 2.5, 3.5, 4.5, 5, 4, 4.5, 5.5, 6.5, 7, 6, 6.5, 7.5, 8.5, 9, 8, 8.5,
        9.5, 10.5, 11,
      ])
  }
}
