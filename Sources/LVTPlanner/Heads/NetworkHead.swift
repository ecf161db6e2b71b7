// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// What is made of a backbone's stages: nodes that it appends, and the network's results.
///
/// Every backbone goes with every head.
struct NetworkHead: Sendable {
  /// What it is called in tables.
  let name: String
  /// How it is recognised, in words.
  let recognisedBy: String
  let recognises: @Sendable (any NetworkBuilder, Backbone) -> Bool
  let build: @Sendable (inout any NetworkBuilder, Backbone) throws(NetworkError) -> Void

  /// In the order in which they are asked; the last takes every network.
  static let all = [features, upperNet, semanticFPN, retina, twoStage, classes, embedding]

  /// The maps of the stages.
  static let features = NetworkHead(
    name: "features", recognisedBy: "--features",
    recognises: { builder, _ in builder.options.features },
    build: { (builder, backbone) throws(NetworkError) in
      builder.reader.ignore { name in
        ["norm.", "head.", backbone.classifier + "."].contains { name.hasPrefix($0) }
      }
      var stages = StageMaps(backbone)
      for stage in backbone.stages.indices {
        builder.graph.outputs.append(
          Graph.Output(
            name: "stage\(stage)", kind: .map, value: try stages.map(stage, &builder)))
      }
    })

  /// `norm`, the mean or the maximum over positions, and a linear layer.
  static let classes = NetworkHead(
    name: "classes", recognisedBy: "head.weight or head.fc.weight",
    recognises: { builder, backbone in builder.reader.has(backbone.classifier + ".weight") },
    build: { (builder, backbone) throws(NetworkError) in
      try addPooling(classifier: backbone.classifier, &builder, backbone)
    })

  /// `norm`, and the mean or the maximum over positions.
  static let embedding = NetworkHead(
    name: "embedding", recognisedBy: "no head",
    recognises: { _, _ in true },
    build: { (builder, backbone) throws(NetworkError) in
      try addPooling(classifier: nil, &builder, backbone)
    })

  private static func addPooling(
    classifier name: String?, _ builder: inout any NetworkBuilder, _ backbone: Backbone
  ) throws(NetworkError) {
    let channels = builder.shape(backbone.last).channels
    var classifier: FloatMatrix?
    if let name {
      let classes = try builder.reader.shape("\(name).weight", rank: 2)[0]
      classifier = try builder.reader.matrix(
        name, inputs: channels, outputs: classes, bias: true)
    }
    let norm = try builder.reader.norm("norm", channels: channels, epsilon: backbone.epsilon)
    let pooling = builder.options.pooling
    if pooling == nil {
      builder.assumptions.append(Assumption(what: "global pool avg", option: "--global-pool"))
    }
    let value = try builder.graph.add(
      name ?? "norm", FloatHead(norm: norm, pooling: pooling ?? .mean, classifier: classifier),
      backbone.last)
    builder.graph.outputs = [
      name == nil
        ? Graph.Output(name: "embedding", kind: .map, value: value)
        : Graph.Output(name: "classes", kind: .classes, value: value)
    ]
  }
}
