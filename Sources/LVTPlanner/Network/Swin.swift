// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

// Swin of arXiv 2103.14030, by the tensor names of its published code and of timm:
//
//   x  →  norm1 → attention inside windows → proj     + x
//   y  →  norm2 → mlp.fc1 → GELU → mlp.fc2            + y
//
// Every second block's windows are shifted by half a window, unless one window is the whole map. The
// tables of position biases tell the windows' edges and the heads.
//
// The depth-wise ViT is our reading of arXiv 2309.10713 (tools/train/transformer.py), a Swin in which an
// attention may have
//
//   attn.key_norm        γ and β of a LayerNorm over the keys, behind ReLU, in the softmax's place
//   attn.position_bias   every channel for itself attends to K × K neighbours: channels × K × K biases,
//                        and a factor of its scores in attn.channel_scale

struct SwinBuilder: NetworkBuilder {
  var reader: TensorReader
  let options: Network.Options
  var layers: [Network.Layer] = []

  init(_ checkpoint: Checkpoint, options: Network.Options) {
    let own = [".attn.key_norm.weight", ".attn.position_bias"]
    let isDepthwise = checkpoint.tensors.keys.contains { name in
      own.contains { name.hasSuffix($0) }
    }
    reader = TensorReader(checkpoint, family: isDepthwise ? "depth-wise ViT" : "Swin")
    self.options = options
  }

  mutating func network() throws(NetworkError) -> Network {
    let projection = try reader.shape("patch_embed.proj.weight", rank: 4)
    let patch = projection[2]
    let stages = count { reader.has("layers.\($0).blocks.0.norm1.weight") }
    let multiple = patch << (stages - 1)
    guard options.inputSize.isMultiple(of: multiple) else {
      throw .inputSize(found: options.inputSize, multipleOf: multiple)
    }

    var shape = Shape(
      height: options.inputSize.height / patch, width: options.inputSize.width / patch,
      channels: projection[0])
    try addPatchEmbed(patch, shape)
    for stage in 0..<stages {
      if stage > 0 {
        let merged = Shape(
          height: shape.height / 2, width: shape.width / 2, channels: shape.channels * 2)
        try addMerge(merge(before: stage), from: shape, to: merged)
        shape = merged
      }
      let name = "layers.\(stage)"
      for block in 0..<(count { reader.has("\(name).blocks.\($0).norm1.weight") }) {
        try addAttention("\(name).blocks.\(block)", isShifted: block % 2 == 1, shape)
        try addNormalizedMLP("\(name).blocks.\(block)", shape)
      }
    }
    try addHead(shape, name: reader.has("head.fc.weight") ? "head.fc" : "head")
    return try finished(family: reader.family)
  }

  /// The merge between two stages: the original code counts it to the first, timm to the second.
  private func merge(before stage: Int) -> String {
    let original = reader.has("layers.0.downsample.reduction.weight")
    return "layers.\(original ? stage - 1 : stage).downsample"
  }

  /// The window's edge and the heads of a table of (2 · edge − 1)² × heads biases.
  private func window(_ table: String) throws(NetworkError) -> (edge: Int, heads: Int) {
    let shape = try reader.shape(table, rank: 2)
    guard
      let edge = (1...WindowAttention.maximumWindow).first(where: {
        (2 * $0 - 1) * (2 * $0 - 1) == shape[0]
      })
    else {
      throw .wrongShape(
        tensor: table, expected: "(2w − 1)² rows, w at most \(WindowAttention.maximumWindow)",
        found: shape)
    }
    return (edge, shape[1])
  }

  private mutating func addAttention(
    _ name: String, isShifted: Bool, _ shape: Shape
  ) throws(NetworkError) {
    let channels = shape.channels, keyNorm = "\(name).attn.key_norm"
    var qkv = try reader.matrix(
      "\(name).attn.qkv", inputs: channels, outputs: 3 * channels,
      bias: reader.has("\(name).attn.qkv.bias"))
    let (reach, heads): (FloatAttention.Reach, Int)
    if reader.has("\(name).attn.position_bias") {
      reach = try neighbours("\(name).attn.position_bias", channels)
      heads = channels
      let scale = try reader.values("\(name).attn.channel_scale", [channels])
      qkv.scaleOutputs(scale + [Float](repeating: 1, count: 2 * channels))
    } else {
      (reach, heads) = try windows(
        "\(name).attn.relative_position_bias_table", isShifted: isShifted, shape)
    }
    let attention = FloatAttention(
      reach: reach, heads: heads,
      keyNorm: reader.has("\(keyNorm).weight") ? try reader.norm(keyNorm, channels: heads) : nil,
      norm: try reader.norm("\(name).norm1", channels: channels), qkv: qkv,
      project: try reader.matrix(
        "\(name).attn.proj", inputs: channels, outputs: channels, bias: true))
    add("\(name).attn", .attention(attention), shape)
  }

  /// Windows whose biases are in `table`, and their heads.
  private mutating func windows(
    _ table: String, isShifted: Bool, _ shape: Shape
  ) throws(NetworkError) -> (FloatAttention.Reach, heads: Int) {
    let (edge, heads) = try window(table)
    guard shape.channels % heads == 0 else {
      throw .wrongShape(
        tensor: table, expected: "with heads that divide \(shape.channels)",
        found: try reader.shape(table, rank: 2))
    }
    // From rows by query minus key, each with all heads, to heads by key minus query.
    let rows = (2 * edge - 1) * (2 * edge - 1)
    let values = try reader.values(table, [rows, heads])
    let bias = (0..<heads * rows).map { values[(rows - 1 - $0 % rows) * heads + $0 / rows] }
    let shift = isShifted && edge < min(shape.height, shape.width) ? edge / 2 : 0
    return (.window(edge: edge, shift: shift, bias: bias), heads)
  }

  /// Neighbours whose biases are channels × K × K.
  private mutating func neighbours(
    _ name: String, _ channels: Int
  ) throws(NetworkError) -> FloatAttention.Reach {
    let shape = try reader.shape(name, rank: 3)
    let kernel = shape[1], taps = kernel * kernel
    try reader.requireKernel(kernel, name, shape)
    let values = try reader.values(name, [channels, kernel, kernel])
    let bias = (0..<taps * channels).map { values[$0 % channels * taps + $0 / channels] }
    return .neighbours(kernel: kernel, bias: bias)
  }
}
