// SPDX-License-Identifier: Apache-2.0
import LVT
import LVTTestSupport
import Testing

@testable import LVTPlanner

/// Networks that are run for features: an embedding where there is no head, maps where they are asked for.
@Suite struct FeatureTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let tiny: TinyNetwork
  }

  static let cases = [
    Case(testDescription: "DWNet", tiny: TinyNetwork()),
    Case(testDescription: "dynamic DWNet", tiny: TinyNetwork(isDynamic: true)),
    Case(testDescription: "inhomogeneous DWNet", tiny: .inhomogeneous),
    Case(testDescription: "Swin", tiny: .swin),
    Case(testDescription: "depth-wise ViT", tiny: .depthwiseViT),
    Case(testDescription: "DilateFormer", tiny: .dilateFormer),
  ]

  private func without(head tiny: TinyNetwork) -> TinyNetwork {
    var tiny = tiny
    tiny.hasHead = false
    return tiny
  }

  private func stages(of tiny: TinyNetwork) -> TinyNetwork {
    var tiny = tiny
    tiny.features = true
    return tiny
  }

  /// Σ expected² / Σ (expected − found)² in decibels.
  private func decibels(_ expected: [Float], _ found: [Float]) -> Double {
    var agreement = Agreement()
    found.withUnsafeBufferPointer { agreement.add(float: expected, plan: $0) }
    return agreement.decibels
  }

  /// What the class head's product makes of embeddings.
  private func logits(_ embedding: [Float], _ tiny: TinyNetwork) throws -> [Float] {
    let tensors = tiny.checkpoint().tensors
    let matrix = FloatMatrix(
      inputs: embedding.count, outputs: tiny.classes,
      weights: try #require(tensors["head.weight"]).values,
      bias: try #require(tensors["head.bias"]).values)
    return matrix.applied(to: embedding, rows: 1)
  }

  @Test(arguments: cases)
  func embeddingIsWhatTheClassesAreMadeOf(test: Case) throws {
    let tiny = test.tiny, bare = without(head: tiny)
    let network = try bare.network(), compiled = try bare.compile()
    let plan = compiled.plan
    #expect(network.classCount == 0 && plan.classes == nil && plan.classCount == 0)
    #expect(plan.outputs.map { $0.name } == ["embedding"])
    #expect(plan.outputs.map { $0.kind } == [.map])
    #expect(compiled.agreement.decibels >= 25, "\(compiled.agreement.decibels)")

    let float = FloatExecutor(network), whole = FloatExecutor(try tiny.network())
    let classes = try tiny.compile().plan
    let engine = try Engine(plan: plan, threads: 2)
    var expected: [Float] = [], found: [Float] = [], ofClasses: [Float] = []
    for picture in tiny.pictures(8) {
      let logits = whole.logits(whole.normalized(picture))
      let exact = try self.logits(float.outputs(float.normalized(picture))[0], tiny)
      for (a, b) in zip(exact, logits) { #expect(abs(a - b) < 1e-5) }
      engine.run(picture: picture)
      #expect(engine.logits.isEmpty)
      let output = try #require(engine.outputs.first)
      #expect(output.type == .float32 && output.shape.positions == 1)
      expected += logits
      found += try self.logits(output.values, tiny)
      ofClasses += try runPlan(classes, picture)
    }
    #expect(decibels(expected, found) > decibels(expected, ofClasses) - 6)
    #expect(decibels(ofClasses, found) > 20, "\(decibels(ofClasses, found))")
  }

  @Test(arguments: cases)
  func featuresAreTheMapsOfTheStages(test: Case) throws {
    let tiny = stages(of: test.tiny)
    let network = try tiny.network(), compiled = try tiny.compile()
    let plan = compiled.plan
    #expect(plan.classes == nil && plan.labels.isEmpty)
    #expect(plan.outputs.map { $0.name } == tiny.depths.indices.map { "stage\($0)" })
    let shapes = plan.outputs.map { plan.tensors[$0.tensor].shape }
    #expect(shapes == network.results.map { $0.shape })
    #expect(shapes.map { $0.channels } == tiny.depths.indices.map { tiny.embed << $0 })
    #expect(shapes.indices.dropFirst().allSatisfy { shapes[$0].height < shapes[$0 - 1].height })
    #expect(compiled.agreement.decibelsOfValues.count == tiny.depths.count)
    #expect(compiled.agreement.decibels >= 25, "\(compiled.agreement.decibelsOfValues)")

    // The head of the whole network makes its logits of the last map.
    let whole = try test.tiny.network(), executor = FloatExecutor(whole)
    let picture = executor.normalized(tiny.pictures(1)[0])
    let maps = FloatExecutor(network).outputs(picture)
    let head = try #require(whole.graph.nodes.last)
    let logits = head.operation.run(
      [FloatMap(values: try #require(maps.last), shape: try #require(shapes.last))],
      to: Shape(height: 1, width: 1, channels: tiny.classes)
    ) { _, _, _ in }
    #expect(logits == executor.logits(picture))
  }

  @Test func streamsOfInt16AreResultsToo() throws {
    let compiled = try stages(of: .swin).wide.compile(), plan = compiled.plan
    #expect(plan.outputs.map { plan.tensors[$0.tensor].type } == [.int16, .int16])
    let narrow = try stages(of: .swin).compile().agreement.decibelsOfValues
    for (wide, narrow) in zip(compiled.agreement.decibelsOfValues, narrow) {
      #expect(wide > narrow)
    }
  }

  @Test func embeddingOfMaximaIsPlanned() throws {
    let bare = without(head: .swin)
    var options = Network.Options()
    options.inputSize = bare.size
    options.pooling = .maximum
    let network = try Network(bare.checkpoint(), options: options)
    let compiled = try Planner().compile(network, pictures: bare.pictures(8))
    #expect(compiled.agreement.decibels >= 25, "\(compiled.agreement.decibels)")
  }

  @Test func labelsOfFeaturesAreRefused() throws {
    var options = Planner.Options()
    options.labels = ["a"]
    let bare = without(head: TinyNetwork())
    let error = #expect(throws: PlannerError.self) {
      try Planner(options: options).compile(bare.network(), pictures: bare.pictures(1))
    }
    guard case .labelCount(expected: 0, found: 1) = error else { throw PlannerError.noPictures }
  }

  /// Reports say nothing of classes where there are none.
  @Test func reportsAreOfTheResults() throws {
    let maps = try stages(of: TinyNetwork()).compile()
    let text = PlanTable(maps.plan).text() + ResidualTable(maps).text
    for part in [
      "results   stage0 8×8×8 int8, stage1 4×4×16 int8", "calibration.sqnr.stage1: ",
      "calibration.sqnr: ",
    ] { #expect(text.contains(part), "\(part)") }
    for part in ["classes", "same class", "agreement"] { #expect(!text.contains(part), "\(part)") }
    let embedding = try without(head: TinyNetwork()).compile()
    let one = PlanTable(embedding.plan).text()
    #expect(one.contains("results   embedding 1×1×16 float32\n"))
    #expect(!one.contains("calibration.sqnr.") && !one.contains("agreement"))
    let classes = try TinyNetwork().compile()
    let named = PlanTable(classes.plan).text() + ResidualTable(classes).text
    for part in [
      "results   classes 1×1×5 float32", "classes   5", "calibration.agreement", "same class",
    ] { #expect(named.contains(part), "\(part)") }
  }

  /// A classifier runs any plan; what it says of classes is nothing.
  @Test func classifierRunsPlansWithoutClasses() throws {
    let plan = try without(head: TinyNetwork()).compile(pictures: 2).plan
    let classifier = try Classifier(engine: Engine(plan: plan))
    let image = try Image(width: 40, height: 30)
    let result = try image.withView { view throws(ImageError) in try classifier.classify(view) }
    #expect(result.logits.isEmpty && result.top(3).isEmpty && result.text(top: 3).isEmpty)
    #expect(classifier.engine.outputs[0].values.count == 16)
  }
}
