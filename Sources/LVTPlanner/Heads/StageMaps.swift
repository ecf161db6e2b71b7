// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// The maps of a backbone's stages behind their norms, each made when it is first asked for.
struct StageMaps {
  private let backbone: Backbone
  private var made: [Int: Graph.ValueID] = [:]

  init(_ backbone: Backbone) { self.backbone = backbone }

  /// How many there are.
  var count: Int { backbone.stages.count }

  /// The extent of a stage's map.
  func shape(_ stage: Int, _ builder: any NetworkBuilder) -> Shape {
    builder.shape(backbone.stages[stage])
  }

  private func norm(_ stage: Int) -> StageNorm? {
    stage < backbone.norms.count ? backbone.norms[stage] : nil
  }

  /// A stage's map behind its norm.
  mutating func map(
    _ stage: Int, _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> Graph.ValueID {
    if let value = made[stage] { return value }
    let end = backbone.stages[stage], value: Graph.ValueID
    switch norm(stage) {
    case .layer(let norm):
      value = try builder.graph.add("norm\(stage)", FloatNormalize(norm: norm), end)
    case .batch(let norm):
      // A depth-wise filter of one tap.
      let filter = FloatFilter(
        kernel: 1, channels: norm.scale.count, weights: norm.scale, bias: norm.shift)
      value = try builder.graph.add(
        "norm\(stage)", FloatDepthwise(filter: filter, ending: .none), end)
    case nil: value = end
    }
    made[stage] = value
    return value
  }

  /// A product at each position of a stage's map, which takes a BatchNorm in front of it in.
  mutating func product(
    _ stage: Int, _ name: String, _ operation: FloatPointwise, adding residual: Graph.ValueID?,
    _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> Graph.ValueID {
    var operation = operation, source = backbone.stages[stage]
    if case .batch(let norm) = norm(stage), made[stage] == nil {
      operation.matrix = operation.matrix.preceded(by: norm)
    } else {
      source = try map(stage, &builder)
    }
    return try builder.graph.add(name, operation, [source] + (residual.map { [$0] } ?? []))
  }
}

extension TensorReader {
  /// A convolution of OpenMMLab's ConvModule: `name.conv`, and `name.bn` or a bias.
  mutating func convolutionModule(
    _ name: String, inputs: Int
  ) throws(NetworkError) -> (kernel: Int, matrix: FloatMatrix) {
    let hasNorm = has("\(name).bn.weight")
    let (kernel, matrix) = try convolution(
      "\(name).conv", inputs: inputs, bias: !hasNorm || has("\(name).conv.bias"))
    guard hasNorm else { return (kernel, matrix) }
    return (
      kernel, matrix.followed(by: try batchNorm("\(name).bn", channels: matrix.outputs))
    )
  }

  /// The same with a kernel of 1 × 1.
  mutating func productModule(
    _ name: String, inputs: Int
  ) throws(NetworkError) -> FloatMatrix {
    let (kernel, matrix) = try convolutionModule(name, inputs: inputs)
    guard kernel == 1 else {
      throw .wrongShape(
        tensor: "\(name).conv.weight", expected: "of 1 × 1 taps",
        found: try shape("\(name).conv.weight", rank: 4))
    }
    return matrix
  }
}
