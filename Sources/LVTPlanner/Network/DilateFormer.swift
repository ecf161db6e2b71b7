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
  var layers: [Network.Layer] = []
  var assumptions: [Assumption] = []
  let usedOptions: Set<String> = ["--heads", "--dilations"]

  private static let epsilon: Float = 1e-6
  /// Groups of heads, at distances 1, 2 and 3.
  private static let dilations = 3
  private var dilations: Int { options.dilations ?? Self.dilations }

  init(_ checkpoint: Checkpoint, options: Network.Options) {
    reader = TensorReader(checkpoint, family: "DilateFormer")
    self.options = options
  }

  mutating func network() throws(NetworkError) -> Network {
    let size = options.inputSize
    var shape = Shape(height: size.height, width: size.width, channels: 3)
    for index in 0..<4 {
      // A convolution, its BatchNorm and the GELU behind each; the last one stands alone.
      let name = "patch_embed.proj.\(3 * index)"
      shape = try addConvolution(
        name, norm: index < 3 ? "patch_embed.proj.\(3 * index + 1)" : nil,
        stride: 1 + index % 2, bias: false, gelu: index < 3, from: shape)
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
    for stage in 0..<stages {
      let name = "stages.\(stage)"
      for block in 0..<(count { reader.has("\(name).blocks.\($0).pos_embed.weight") }) {
        guard heads.count == stages else {
          throw .heads(found: heads, stage: stage, channels: shape.channels, groups: 1)
        }
        try addBlock("\(name).blocks.\(block)", stage, heads, shape)
      }
      if stage < stages - 1 {
        let name = "\(name).downsample.proj"
        shape = try addConvolution(
          "\(name).0", norm: "\(name).1", stride: 2, bias: true, gelu: false, from: shape)
      }
    }
    try addHead(shape, epsilon: Self.epsilon)
    return try finished(family: reader.family)
  }

  /// Appends a convolution with its BatchNorm folded and returns the extent of what it makes.
  private mutating func addConvolution(
    _ name: String, norm: String?, stride: Int, bias: Bool, gelu: Bool, from input: Shape
  ) throws(NetworkError) -> Shape {
    var (kernel, matrix) = try reader.convolution(name, inputs: input.channels, bias: bias)
    if let norm {
      matrix = matrix.followed(by: try reader.batchNorm(norm, channels: matrix.outputs))
    }
    let output = Shape(
      height: Convolution.edge(input.height, stride: stride),
      width: Convolution.edge(input.width, stride: stride), channels: matrix.outputs)
    let convolution = FloatConvolution(kernel: kernel, stride: stride, matrix: matrix, gelu: gelu)
    add(name, .convolution(convolution), output)
    return output
  }

  private mutating func addBlock(
    _ name: String, _ stage: Int, _ heads: [Int], _ shape: Shape
  ) throws(NetworkError) {
    let channels = shape.channels
    let filter = try reader.filter("\(name).pos_embed", channels: channels)
    add("\(name).pos_embed", .depthwise(filter, residual: true), shape)

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
    add("\(name).attn", .attention(attention), shape)
    try addNormalizedMLP(name, shape, epsilon: Self.epsilon)
  }
}
