// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Builds a family's networks; what it shares with the others is the parts of the same names in all of them.
protocol NetworkBuilder: SendableMetatype {
  var reader: TensorReader { get set }
  var options: Network.Options { get }
  var graph: Graph { get set }
  var assumptions: [Assumption] { get set }
  /// The options that say something of the architecture, beside those of all.
  var usedOptions: Set<String> { get }
  /// Appends all but the head.
  mutating func addBackbone() throws(NetworkError) -> Backbone
}

/// A norm behind a stage, which the next stage does not see.
enum StageNorm {
  case batch(BatchNorm)
  case layer(FloatNorm)
}

/// What heads read.
struct Backbone {
  /// What each stage ends with; there is at least one.
  let stages: [Graph.ValueID]
  /// What is between a stage's end and a head that reads several stages; none where tensors have none.
  var norms: [StageNorm?] = []
  /// What the last stage ends with.
  var last: Graph.ValueID { stages[stages.count - 1] }
  /// The product of a class head.
  var classifier = "head"
  /// What LayerNorms add to variances.
  var epsilon: Float = 1e-5
}

extension NetworkBuilder {
  /// The network: the backbone, and the head that the tensors or the options ask for.
  ///
  /// No tensor may be left.
  mutating func network() throws(NetworkError) -> Network {
    let backbone = try addBackbone()
    var builder: any NetworkBuilder = self
    let head = NetworkHead.all.first { $0.recognises(builder, backbone) }
    try head?.build(&builder, backbone)
    return try builder.finished(head)
  }

  private func finished(_ head: NetworkHead?) throws(NetworkError) -> Network {
    try reader.end()
    let isDense = graph.outputs.contains { $0.kind == .detections || $0.kind == .pixelClasses }
    let family = reader.family + (isDense ? " with \(head?.name ?? "")" : "")
    let given = [
      "--heads": !options.heads.isEmpty, "--dilations": options.dilations != nil,
      "--kernel": options.kernel != nil, "--windows": options.windows != nil,
    ]
    if let odd = given.filter({ $0.value && !usedOptions.contains($0.key) }).keys.min() {
      throw .option(name: odd, family: family)
    }
    if options.features, options.pooling != nil {
      throw .option(name: "--global-pool", family: "\(family) with --features")
    }
    return Network(
      family: family, inputSize: options.inputSize, mean: options.mean,
      deviation: options.deviation, assumptions: assumptions, graph: graph)
  }

  /// Whether stages have norms of their own, as networks for detection and segmentation have them.
  var isDense: Bool { (0..<8).contains { reader.has("norm\($0).weight") } }

  /// The norms behind the stages.
  mutating func stageNorms(
    _ stages: [Graph.ValueID], epsilon: Float = 1e-5
  ) throws(NetworkError) -> [StageNorm?] {
    var norms: [StageNorm?] = []
    for (i, stage) in stages.enumerated() {
      let name = "norm\(i)", channels = shape(stage).channels
      if reader.has("\(name).running_mean") {
        norms.append(.batch(try reader.batchNorm(name, channels: channels)))
      } else if reader.has("\(name).weight") {
        norms.append(.layer(try reader.norm(name, channels: channels, epsilon: epsilon)))
      } else {
        norms.append(nil)
      }
    }
    return norms
  }

  /// How many of 0, 1, … exist in a row.
  func count(_ exists: (Int) -> Bool) -> Int {
    var n = 0
    while exists(n) { n += 1 }
    return n
  }

  /// How many stages have the tensor that marks a stage: at least one.
  func stageCount(markedBy tensor: (Int) -> String) throws(NetworkError) -> Int {
    let stages = count { reader.has(tensor($0)) }
    guard stages > 0 else { throw .missing(tensor: tensor(0), family: reader.family) }
    return stages
  }

  /// Refuses inputs that are not whole patches before each of the merges.
  func requirePatches(of patch: Int, merges: Int) throws(NetworkError) {
    let multiple = patch << min(merges, 32)  // more merges than any input has room for
    guard options.inputSize.isMultiple(of: multiple) else {
      throw .inputSize(found: options.inputSize, multipleOf: multiple)
    }
  }

  /// A graph of the input picture alone.
  static func picture(_ options: Network.Options) -> Graph {
    Graph(
      picture: Shape(
        height: options.inputSize.height, width: options.inputSize.width, channels: 3))
  }

  /// The extent of a value.
  func shape(_ value: Graph.ValueID) -> Shape { graph.values[value].shape }

  /// `patch_embed`: convolution with the stride of its kernel, LayerNorm.
  mutating func addPatchEmbed(
    _ patch: Int, channels: Int
  ) throws(NetworkError) -> Graph.ValueID {
    let name = "patch_embed"
    let weights = try reader.values("\(name).proj.weight", [channels, 3, patch, patch])
    // From colour, row, column to row, column, colour: the order in which a picture is gathered.
    var ordered = weights
    let area = patch * patch
    for o in 0..<channels {
      for colour in 0..<3 {
        for pixel in 0..<area {
          ordered[(o * area + pixel) * 3 + colour] = weights[(o * 3 + colour) * area + pixel]
        }
      }
    }
    let matrix = FloatMatrix(
      inputs: 3 * area, outputs: channels, weights: ordered,
      bias: try reader.values("\(name).proj.bias", [channels]))
    let norm = try reader.norm("\(name).norm", channels: channels)
    return try graph.add(name, FloatPatchEmbed(patch: patch, matrix: matrix, norm: norm), 0)
  }

  /// `name.norm2` and `name.mlp`: LayerNorm, product, GELU, product, plus the input.
  mutating func addNormalizedMLP(
    _ name: String, _ input: Graph.ValueID, epsilon: Float = 1e-5
  ) throws(NetworkError) -> Graph.ValueID {
    let channels = shape(input).channels
    let hidden = try reader.shape("\(name).mlp.fc1.weight", rank: 2)[0]
    let norm = try reader.norm("\(name).norm2", channels: channels, epsilon: epsilon)
    let fc1 = try reader.matrix("\(name).mlp.fc1", inputs: channels, outputs: hidden, bias: true)
    let fc2 = try reader.matrix("\(name).mlp.fc2", inputs: hidden, outputs: channels, bias: true)
    return try graph.add(
      "\(name).mlp", FloatMLP(norm: norm, expand: fc1, project: fc2), input)
  }

  /// A merge of 2 × 2 positions: LayerNorm, then a product without bias to twice the channels.
  mutating func addMerge(
    _ name: String, _ input: Graph.ValueID
  ) throws(NetworkError) -> Graph.ValueID {
    let channels = shape(input).channels
    let norm = try reader.norm("\(name).norm", channels: 4 * channels)
    let matrix = try reader.matrix(
      "\(name).reduction", inputs: 4 * channels, outputs: 2 * channels, bias: false)
    return try graph.add(name, FloatPatchMerge(norm: norm, matrix: matrix), input)
  }
}
