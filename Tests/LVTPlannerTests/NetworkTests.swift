// SPDX-License-Identifier: Apache-2.0
import LVTRuntime
import LVTTestSupport
import Testing

@testable import LVTPlanner

@Suite struct NetworkTests {
  private func network(_ change: (inout Checkpoint) -> Void) throws -> Network {
    var checkpoint = TinyNetwork().checkpoint()
    change(&checkpoint)
    var options = Network.Options()
    options.inputSize = PictureSize(square: 16)
    return try Network(checkpoint, options: options)
  }

  @Test func extentsComeFromTheTensors() throws {
    var tiny = TinyNetwork()
    tiny.embed = 12
    tiny.depths = [1, 2, 1]
    tiny.window = 5
    tiny.patch = 4
    tiny.ratio = 3
    tiny.classes = 7
    tiny.input = 32
    let network = try tiny.network()
    #expect(network.stepCount == 1 + 4 * 4 + 2 + 1)
    #expect(network.classCount == 7)
    #expect(network.graph.values[1].shape.height == 8)
    #expect(network.graph.nodes.last?.name == "head")
  }

  @Test func missingTensorIsNamed() {
    let name = "layers.1.blocks.0.mlp.fc2.bias"
    #expect(throws: NetworkError.missing(tensor: name, family: "DWNet")) {
      try network { $0.tensors[name] = nil }
    }
  }

  @Test func tensorOfADynamicFilterIsNamed() throws {
    let name = "layers.0.blocks.0.attn2conv.conv.conv2.weight"
    var checkpoint = TinyNetwork(isDynamic: true).checkpoint()
    let options = Network.Options()
    checkpoint.tensors[name] = FloatTensor(
      shape: [20, 2, 1, 1], values: [Float](repeating: 1, count: 40))
    #expect(
      throws: NetworkError.wrongShape(
        tensor: name, expected: "[72, 2, 1, 1]", found: [20, 2, 1, 1])
    ) { try Network(checkpoint, options: options) }
    checkpoint.tensors[name] = nil
    #expect(throws: NetworkError.missing(tensor: name, family: "dynamic DWNet")) {
      try Network(checkpoint, options: options)
    }
  }

  @Test func tensorOfAnInhomogeneousFilterIsNamed() throws {
    let name = "layers.0.blocks.0.attn2conv.conv.conv2.0.weight"
    var checkpoint = TinyNetwork.inhomogeneous.checkpoint()
    let options = Network.Options()
    checkpoint.tensors[name] = FloatTensor(
      shape: [35, 2, 1, 1], values: [Float](repeating: 1, count: 70))
    #expect(
      throws: NetworkError.wrongShape(
        tensor: name, expected: "K² taps for groups of 8 channels", found: [35, 2, 1, 1])
    ) { try Network(checkpoint, options: options) }
    checkpoint.tensors[name] = nil
    #expect(throws: NetworkError.missing(tensor: name, family: "inhomogeneous dynamic DWNet")) {
      try Network(checkpoint, options: options)
    }
  }

  @Test func extraTensorIsNamed() {
    #expect(throws: NetworkError.unexpected(tensor: "layers.0.extra", family: "DWNet")) {
      try network { $0.tensors["layers.0.extra"] = FloatTensor(shape: [1], values: [0]) }
    }
  }

  @Test func wrongShapeIsNamed() {
    #expect(
      throws: NetworkError.wrongShape(tensor: "norm.weight", expected: "[16]", found: [2, 8])
    ) {
      try network {
        $0.tensors["norm.weight"] = FloatTensor(
          shape: [2, 8], values: [Float](repeating: 1, count: 16))
      }
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func notFiniteWeightIsNamed(value: Float) {
    #expect(throws: NetworkError.notFinite(tensor: "head.bias", index: 3)) {
      try network {
        $0.tensors["head.bias"] = FloatTensor(shape: [5], values: [0, 0, 0, value, 0])
      }
    }
  }

  @Test func negativeVarianceIsNamed() {
    let name = "layers.0.blocks.0.bn.running_var"
    #expect(throws: NetworkError.variance(tensor: name, index: 0, found: -1)) {
      try network {
        $0.tensors[name] = FloatTensor(shape: [8], values: [Float](repeating: -1, count: 8))
      }
    }
  }

  @Test func distancesOfADilateFormerMayBeFewer() throws {
    var options = Network.Options()
    let network = try Network(TinyNetwork.dilateFormer.checkpoint(), options: options)
    #expect(
      network.assumptions.map { $0.description } == [
        "heads 3, 6 (--heads)", "3 × 3 neighbours at distances 1, 2, 3 (--dilations)",
        "global pool avg (--global-pool)",
      ])
    options.dilations = 1
    options.heads = [3, 6]
    let near = try Network(TinyNetwork.dilateFormer.checkpoint(), options: options)
    #expect(near.assumptions.map { $0.option } == ["--global-pool"])
    let groups = [network, near].map { network in
      network.graph.nodes.compactMap { node -> Int? in
        guard case .dilated(let groups) = (node.operation as? FloatAttention)?.reach else {
          return nil
        }
        return groups
      }
    }
    #expect(groups == [[3], [1]])
  }

  @Test func optionsThatSayNothingAreRefused() throws {
    let changes: [(String, TinyNetwork, (inout Network.Options) -> Void)] = [
      ("--heads", TinyNetwork(), { $0.heads = [3] }),
      ("--dilations", .swin, { $0.dilations = 2 }),
      ("--kernel", TinyNetwork(isDynamic: true), { $0.kernel = 3 }),
      ("--windows", .depthwiseViT, { $0.windows = .timm }),
      (
        "--global-pool", .swin,
        {
          $0.features = true
          $0.pooling = .maximum
        }
      ),
    ]
    for (name, tiny, change) in changes {
      var options = Network.Options()
      options.inputSize = tiny.size
      change(&options)
      let error = #expect(throws: NetworkError.self) {
        try Network(tiny.checkpoint(), options: options)
      }
      #expect(error?.description.hasPrefix("\(name) is of no use for a ") == true)
    }
  }

  @Test func maximumOfThePositionsIsPlannedLikeTheirMean() throws {
    let tiny = TinyNetwork.swin
    var options = Network.Options()
    options.inputSize = tiny.size
    options.pooling = .maximum
    let network = try Network(tiny.checkpoint(), options: options)
    let compiled = try Planner().compile(network, pictures: tiny.pictures(8))
    let executor = FloatExecutor(network), mean = FloatExecutor(try tiny.network())
    var agreement = Agreement()
    for picture in tiny.pictures(8) {
      let logits = executor.logits(executor.normalized(picture))
      #expect(logits != mean.logits(mean.normalized(picture)))
      let plan = try runPlan(compiled.plan, picture, threads: 2)
      plan.withUnsafeBufferPointer { agreement.add(float: logits, plan: $0) }
    }
    #expect(agreement.decibels > 25)
  }

  /// As ImageNet-22k has them.
  @Test func manyClassesArePlanned() throws {
    var tiny = TinyNetwork()
    tiny.classes = 21841
    let compiled = try tiny.compile(pictures: 2)
    #expect(compiled.plan.classCount == 21841)
    #expect(try runPlan(compiled.plan, tiny.pictures(1)[0]).count == 21841)
  }

  @Test func whatNoPlanHoldsIsRefusedBeforeItIsCalibrated() throws {
    var tiny = TinyNetwork()
    tiny.classes = 65537
    let error = #expect(throws: PlannerError.self) { try tiny.compile(pictures: 1) }
    guard case .limit(layer: "head", _, _) = error else { throw error ?? PlannerError.noPictures }
  }

  @Test func sizeThatDoesNotFitIsRefused() {
    var tiny = TinyNetwork()
    tiny.input = 18
    #expect(throws: NetworkError.inputSize(found: PictureSize(square: 18), multipleOf: 4)) {
      try tiny.network()
    }
  }

  @Test func widePicturesArePlanned() throws {
    let tiny = TinyNetwork()
    var options = Network.Options()
    options.inputSize = PictureSize(width: 32, height: 16)
    let network = try Network(tiny.checkpoint(), options: options)
    #expect(network.graph.values[1].shape.width == 16 && network.graph.values[1].shape.height == 8)
    let square = tiny.pictures(2)
    let wide = (0..<2).map { n in
      var picture: [UInt8] = []
      for y in 0..<16 {
        picture += square[n][y * 48..<(y + 1) * 48]
        picture += square[1 - n][y * 48..<(y + 1) * 48]
      }
      return picture
    }
    let compiled = try Planner().compile(network, pictures: wide)
    #expect(compiled.plan.input.width == 32 && compiled.plan.input.height == 16)
    let executor = FloatExecutor(network)
    var agreement = Agreement()
    for picture in wide {
      let logits = try runPlan(compiled.plan, picture, threads: 3)
      logits.withUnsafeBufferPointer {
        agreement.add(float: executor.logits(executor.normalized(picture)), plan: $0)
      }
    }
    #expect(agreement.decibels > 20)
  }

  @Test func unknownArchitectureNamesATensor() {
    #expect(throws: NetworkError.unknownFamily(tensor: "conv1.weight")) {
      try network {
        $0.tensors = ["conv1.weight": FloatTensor(shape: [1], values: [0])]
      }
    }
  }

  /// Folding, executor and kernels against a plain transcription of the architecture.
  @Test(arguments: [TinyNetwork(), TinyNetwork(isDynamic: true), .inhomogeneous])
  func foldedNetworkEqualsTheDefinition(tiny: TinyNetwork) throws {
    var tiny = tiny
    tiny.depths = [1, 2]
    let executor = FloatExecutor(try tiny.network())
    for picture in tiny.pictures(3) {
      let input = executor.normalized(picture)
      let expected = ReferenceDWNet(tiny.checkpoint().tensors, tiny).logits(input)
      for (a, b) in zip(executor.logits(input), expected) { #expect(abs(a - b) < 1e-4) }
    }
  }

  /// Windows of several sizes, shifted and not, over more than one map, one that is the map, and some
  /// that reach beyond it.
  @Test(arguments: [(2, 16), (3, 24), (4, 16), (5, 20), (8, 16), (3, 16), (5, 16), (7, 20)])
  func swinEqualsItsDefinition(window: Int, input: Int) throws {
    var tiny = TinyNetwork.swin
    tiny.embed = 12
    tiny.heads = 3
    tiny.depths = [3, 2]
    (tiny.window, tiny.input) = (window, input)
    let executor = FloatExecutor(try tiny.network())
    for picture in tiny.pictures(2) {
      let input = executor.normalized(picture)
      let expected = ReferenceDWNet(tiny.checkpoint().tensors, tiny).logits(input)
      for (a, b) in zip(executor.logits(input), expected) { #expect(abs(a - b) < 1e-4) }
    }
  }

  /// Both attentions with both norms, windows over whole maps, shifted ones, and kernels wider than a map.
  @Test(arguments: [
    (3, 32, [true]), (3, 16, [false, true]), (5, 40, [true, false, true]),
    (5, 32, [false, true, true]),
    (7, 16, [true]),
  ])
  func depthwiseViTEqualsItsDefinition(window: Int, input: Int, keyNorms: [Bool]) throws {
    var tiny = TinyNetwork.depthwiseViT
    tiny.embed = 12
    tiny.heads = 3
    tiny.depthwiseStages = keyNorms.count > 1 ? 1 : 2
    tiny.keyNorms = keyNorms
    (tiny.window, tiny.input) = (window, input)
    let network = try tiny.network()
    #expect(network.family == "depth-wise ViT")
    let executor = FloatExecutor(network)
    for picture in tiny.pictures(2) {
      let input = executor.normalized(picture)
      let expected = ReferenceDWNet(tiny.checkpoint().tensors, tiny).logits(input)
      for (a, b) in zip(executor.logits(input), expected) { #expect(abs(a - b) < 1e-4) }
    }
  }

  @Test func tensorOfADepthwiseAttentionIsNamed() throws {
    let name = "layers.1.blocks.0.attn.position_bias"
    var checkpoint = TinyNetwork.depthwiseViT.checkpoint()
    var options = Network.Options()
    options.inputSize = PictureSize(square: 32)
    for (shape, expected) in [
      ([16, 4, 4], "with an odd window of at most 15"), ([16, 3, 5], "[16, 3, 3]"),
      ([8, 3, 3], "[16, 3, 3]"), ([16, 9], "of 3 dimensions"),
    ] {
      checkpoint.tensors[name] = FloatTensor(
        shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
      #expect(
        throws: NetworkError.wrongShape(tensor: name, expected: expected, found: shape)
      ) { try Network(checkpoint, options: options) }
    }
    for part in ["channel_scale", "key_norm.bias"] {
      var lacking = TinyNetwork.depthwiseViT.checkpoint()
      let name = "layers.0.blocks.0.attn.\(part)"
      lacking.tensors[name] = nil
      #expect(throws: NetworkError.missing(tensor: name, family: "depth-wise ViT")) {
        try Network(lacking, options: options)
      }
    }
  }

  @Test func swinOfTheOtherNamingIsTheSame() throws {
    let tiny = TinyNetwork.swin
    var renamed: [String: FloatTensor] = [:]
    for (name, tensor) in tiny.checkpoint().tensors {
      let parts = name.split(separator: ".")
      if name.hasPrefix("layers.0.downsample") {
        renamed["layers.1." + parts[2...].joined(separator: ".")] = tensor
      } else if name.hasPrefix("head") {
        renamed["head.fc." + parts[1]] = tensor
      } else {
        renamed[name] = tensor
      }
    }
    renamed["layers.0.blocks.1.attn_mask"] = FloatTensor(shape: [1], values: [0])
    renamed["layers.0.blocks.0.attn.relative_position_index"] = FloatTensor(
      shape: [1], values: [0])
    var options = Network.Options()
    options.inputSize = PictureSize(square: tiny.input)
    let network = try Network(Checkpoint(tensors: renamed), options: options)
    let executors = [FloatExecutor(network), FloatExecutor(try tiny.network())]
    let logits = executors.map { $0.logits($0.normalized(tiny.pictures(1)[0])) }
    #expect(logits[0] == logits[1])
  }

  @Test func positionBiasesOfNoWindowAreNamed() {
    let name = "layers.0.blocks.0.attn.relative_position_bias_table"
    var checkpoint = TinyNetwork.swin.checkpoint()
    checkpoint.tensors[name] = FloatTensor(shape: [48, 2], values: .init(repeating: 0, count: 96))
    #expect(
      throws: NetworkError.wrongShape(
        tensor: name, expected: "(2w − 1)² rows, w at most 22", found: [48, 2])
    ) {
      var options = Network.Options()
      options.inputSize = PictureSize(square: 16)
      return try Network(checkpoint, options: options)
    }
  }

  /// Maps of odd edges, smaller than the dilations, and of one position.
  @Test(arguments: [(18, 13), (16, 16), (9, 30), (3, 2), (1, 1)])
  func dilateFormerEqualsItsDefinition(width: Int, height: Int) throws {
    var tiny = TinyNetwork.dilateFormer
    tiny.depths = [2, 1, 2]
    tiny.dilatedStages = 2
    tiny.heads = 6
    (tiny.input, tiny.inputHeight) = (width, height)
    let executor = FloatExecutor(try tiny.network())
    for picture in tiny.pictures(2) {
      let input = executor.normalized(picture)
      let expected = ReferenceDWNet(tiny.checkpoint().tensors, tiny).dilateFormerLogits(input)
      for (a, b) in zip(executor.logits(input), expected) { #expect(abs(a - b) < 1e-4) }
    }
  }

  @Test(arguments: [[3], [3, 6, 12], [0, 6], [3, 5], [4, 6]])
  func headsThatDoNotFitAreNamed(heads: [Int]) throws {
    var options = Network.Options()
    options.heads = heads
    let error = #expect(throws: NetworkError.self) {
      try Network(TinyNetwork.dilateFormer.checkpoint(), options: options)
    }
    #expect(error?.description.contains("heads \(heads)") == true)
  }

  /// The means lie between grey levels: a border of whole ones would be half a level off in each colour, which
  /// is ten times the tolerance here.
  @Test func pictureIsPaddedWithItsExactMean() throws {
    var tiny = TinyNetwork.dilateFormer
    (tiny.input, tiny.inputHeight) = (4, 3)
    var checkpoint = tiny.checkpoint()
    // Only the tap above and left of a position counts.
    checkpoint.tensors["patch_embed.proj.0.weight"] = FloatTensor(
      shape: [16, 3, 3, 3], values: (0..<16 * 27).map { $0 % 9 == 0 ? 1 : 0 })
    var options = Network.Options()
    options.inputSize = tiny.size
    options.mean = [1.5 / 255, 2.5 / 255, 3.5 / 255]
    options.deviation = [4 / 255, 4 / 255, 4 / 255]
    let network = try Network(checkpoint, options: options)
    let pictures = [0, 6].map { [UInt8](repeating: $0, count: 36) }
    let plan = try Planner().compile(network, pictures: pictures).plan
    let executor = FloatExecutor(network)
    var expected: [Float] = []
    _ = executor.outputs(executor.normalized(pictures[1])) { point, values, _ in
      if point == Point(value: 1, role: .output) { expected = values }
    }
    let engine = try Engine(plan: plan)
    engine.withPicture { $0.copyBytes(from: pictures[1]) }
    var found: [Float] = []
    let tensor = plan.tensors[plan.steps[0].output]
    engine.run { step in
      guard step == 0 else { return }
      found = engine.bytes(ofTensor: plan.steps[0].output).map { byte in
        let q = Int(Int8(bitPattern: byte)) - tensor.quantization.zeroPoint
        return tensor.quantization.scale * Float(q)
      }
    }
    #expect(found.count == 12 * 16 && expected.count == found.count)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 0.0375) }
  }

  @Test(arguments: [
    TinyNetwork(), TinyNetwork(isDynamic: true), .inhomogeneous, .swin, .dilateFormer,
    .depthwiseViT,
  ])
  func equalizingChangesNothing(tiny: TinyNetwork) throws {
    let network = try tiny.network(), pictures = tiny.pictures(8)
    var equalized = network
    equalized.graph.equalize(try Calibration.ranges(network, pictures: pictures) { _ in })
    // Values that the calibration did not see, too.
    for picture in pictures + tiny.pictures(12).suffix(4) {
      let (expected, before) = run(network, picture)
      let (found, after) = run(equalized, picture)
      let greatest = expected.reduce(0) { max($0, abs($1)) }
      for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-4 * greatest) }
      // Inside it does change: else this would hold of an equalizer that does nothing.
      #expect(before.contains { point, values in after[point] != values })
    }
  }

  /// The logits of a float network, and what it computes on the way.
  private func run(_ network: Network, _ picture: [UInt8]) -> (logits: [Float], [Point: [Float]]) {
    let executor = FloatExecutor(network)
    var points: [Point: [Float]] = [:]
    let outputs = executor.outputs(executor.normalized(picture)) { point, values, _ in
      points[point] = values
    }
    return (outputs[0], points)
  }
}
