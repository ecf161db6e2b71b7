// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

// DilateFormer of arXiv 2302.01791, by the tensor names of its published code:
//
//   stem: four 3 × 3 convolutions with BatchNorm, the second and the last of stride 2; GELU but after the last
//
//   x  →  pos_embed, depth-wise 3 × 3                                       + x
//   y  →  norm1 → attention → proj                                          + y
//   z  →  norm2 → mlp.fc1 → GELU → mlp.fc2                                  + z
//
//   between stages: a 3 × 3 convolution of stride 2 with BatchNorm
//
// Attention is dilated where `qkv` is a convolution, and over the whole map where it is a matrix. In both
// its outputs are the queries, the keys, the values; those of one head stand together.

struct DilateFormerBuilder: NetworkBuilder {
  var reader: TensorReader
  let options: Network.Options
  var graph: Graph
  var assumptions: [Assumption] = []
  let usedOptions: Set<String> = ["--heads", "--dilations"]

  private static let epsilon: Float = 1e-6
  /// Groups of heads, at distances 1, 2 and 3.
  private static let dilations = 3
  private var dilations: Int { options.dilations ?? Self.dilations }

  init(_ checkpoint: Checkpoint, options: Network.Options) {
    reader = TensorReader(checkpoint, family: "DilateFormer")
    self.options = options
    graph = Self.picture(options)
  }

  mutating func addBackbone() throws(NetworkError) -> Backbone {
    var value = 0
    for index in 0..<4 {
      // A convolution, its BatchNorm and the GELU behind each; the last one stands alone.
      let name = "patch_embed.proj.\(3 * index)"
      value = try addConvolution(
        name, norm: index < 3 ? "patch_embed.proj.\(3 * index + 1)" : nil,
        stride: 1 + index % 2, bias: false, gelu: index < 3, from: value)
    }
    let stages = try stageCount { "stages.\($0).blocks.0.pos_embed.weight" }
    // More stages than the channels could double in.
    let heads = options.heads.isEmpty ? (0..<min(stages, 16)).map { 3 << $0 } : options.heads
    if options.heads.isEmpty {
      let list = heads.map { "\($0)" }.joined(separator: ", ")
      assumptions.append(Assumption(what: "heads \(list)", option: "--heads"))
    }
    if options.dilations == nil {
      let list = (1...dilations).map { "\($0)" }.joined(separator: ", ")
      assumptions.append(
        Assumption(what: "3 × 3 neighbours at distances \(list)", option: "--dilations"))
    }
    var ends: [Graph.ValueID] = []
    for stage in 0..<stages {
      let name = "stages.\(stage)"
      for block in 0..<(count { reader.has("\(name).blocks.\($0).pos_embed.weight") }) {
        guard heads.count == stages else {
          throw .heads(
            found: heads, stage: stage, channels: shape(value).channels, groups: 1)
        }
        value = try addBlock("\(name).blocks.\(block)", stage, heads, value)
      }
      ends.append(value)
      if stage < stages - 1 {
        let name = "\(name).downsample.proj"
        value = try addConvolution(
          "\(name).0", norm: "\(name).1", stride: 2, bias: true, gelu: false, from: value)
      }
    }
    return Backbone(
      stages: ends, norms: try stageNorms(ends, epsilon: Self.epsilon), epsilon: Self.epsilon)
  }

  /// Appends a convolution with its BatchNorm folded.
  private mutating func addConvolution(
    _ name: String, norm: String?, stride: Int, bias: Bool, gelu: Bool,
    from input: Graph.ValueID
  ) throws(NetworkError) -> Graph.ValueID {
    var (kernel, matrix) = try reader.convolution(
      name, inputs: shape(input).channels, bias: bias)
    if let norm {
      matrix = matrix.followed(by: try reader.batchNorm(norm, channels: matrix.outputs))
    }
    return try graph.add(
      name,
      FloatConvolution(
        kernel: kernel, stride: stride, matrix: matrix, activation: gelu ? .gelu : .none), input)
  }

  private mutating func addBlock(
    _ name: String, _ stage: Int, _ heads: [Int], _ input: Graph.ValueID
  ) throws(NetworkError) -> Graph.ValueID {
    let channels = shape(input).channels
    let filter = try reader.filter("\(name).pos_embed", channels: channels)
    let positioned = try graph.add(
      "\(name).pos_embed", FloatDepthwise(filter: filter, ending: .addedInput), input)

    let qkv = "\(name).attn.qkv"
    let isDilated = reader.rank("\(qkv).weight") == 4
    let groups = isDilated ? dilations : 1
    guard heads[stage] > 0, channels % heads[stage] == 0, heads[stage] % groups == 0 else {
      throw .heads(found: heads, stage: stage, channels: channels, groups: groups)
    }
    let attention = FloatAttention(
      reach: isDilated ? .dilated(groups: groups) : .map, heads: heads[stage], keyNorm: nil,
      norm: try reader.norm("\(name).norm1", channels: channels, epsilon: Self.epsilon),
      qkv: try reader.matrix(
        qkv, inputs: channels, outputs: 3 * channels, convolution: isDilated,
        bias: reader.has("\(qkv).bias")),
      project: try reader.matrix(
        "\(name).attn.proj", inputs: channels, outputs: channels, bias: true))
    let attended = try graph.add("\(name).attn", attention, positioned)
    return try addNormalizedMLP(name, attended, epsilon: Self.epsilon)
  }
}
