// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// What builders of hierarchical networks share: the parts of the same names in all of them.
protocol NetworkBuilder {
  var reader: TensorReader { get set }
  var options: Network.Options { get }
  var layers: [Network.Layer] { get set }
  var assumptions: [Assumption] { get set }
  /// The options that say something of the architecture, beside those of all.
  var usedOptions: Set<String> { get }
}

extension NetworkBuilder {
  /// The network of the layers so far; no tensor may be left.
  func finished(family: String) throws(NetworkError) -> Network {
    try reader.end()
    let given = [
      "--heads": !options.heads.isEmpty, "--dilations": options.dilations != nil,
      "--kernel": options.kernel != nil, "--windows": options.windows != nil,
    ]
    if let odd = given.filter({ $0.value && !usedOptions.contains($0.key) }).keys.min() {
      throw .option(name: odd, family: family)
    }
    return Network(
      family: family, inputSize: options.inputSize, mean: options.mean,
      deviation: options.deviation, assumptions: assumptions, layers: layers)
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

  /// Appends a layer.
  mutating func add(_ name: String, _ operation: Network.Operation, _ output: Shape) {
    layers.append(Network.Layer(name: name, operation: operation, output: output))
  }

  /// `patch_embed`: convolution with the stride of its kernel, LayerNorm.
  mutating func addPatchEmbed(_ patch: Int, _ shape: Shape) throws(NetworkError) {
    let name = "patch_embed"
    let channels = shape.channels
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
    add(name, .patchEmbed(patch: patch, matrix, norm), shape)
  }

  /// `name.norm2` and `name.mlp`: LayerNorm, product, GELU, product, plus the input.
  mutating func addNormalizedMLP(
    _ name: String, _ shape: Shape, epsilon: Float = 1e-5
  ) throws(NetworkError) {
    let channels = shape.channels
    let hidden = try reader.shape("\(name).mlp.fc1.weight", rank: 2)[0]
    let norm = try reader.norm("\(name).norm2", channels: channels, epsilon: epsilon)
    let fc1 = try reader.matrix("\(name).mlp.fc1", inputs: channels, outputs: hidden, bias: true)
    let fc2 = try reader.matrix("\(name).mlp.fc2", inputs: hidden, outputs: channels, bias: true)
    add("\(name).mlp", .mlp(norm: norm, expand: fc1, project: fc2), shape)
  }

  /// A merge of 2 × 2 positions: LayerNorm, then a product without bias.
  mutating func addMerge(
    _ name: String, from: Shape, to: Shape
  ) throws(NetworkError) {
    let norm = try reader.norm("\(name).norm", channels: 4 * from.channels)
    let matrix = try reader.matrix(
      "\(name).reduction", inputs: 4 * from.channels, outputs: to.channels, bias: false)
    add(name, .patchMerge(norm, matrix), to)
  }

  /// `norm`, the mean or the maximum over positions, and a linear layer.
  mutating func addHead(
    _ shape: Shape, name: String = "head", epsilon: Float = 1e-5
  ) throws(NetworkError) {
    let norm = try reader.norm("norm", channels: shape.channels, epsilon: epsilon)
    let classes = try reader.shape("\(name).weight", rank: 2)[0]
    let matrix = try reader.matrix(name, inputs: shape.channels, outputs: classes, bias: true)
    if options.pooling == nil {
      assumptions.append(Assumption(what: "global pool avg", option: "--global-pool"))
    }
    add(
      name, .head(norm, options.pooling ?? .mean, matrix),
      Shape(height: 1, width: 1, channels: classes))
  }
}
