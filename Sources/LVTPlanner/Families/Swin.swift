// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

// Swin of arXiv 2103.14030, by the tensor names of its published code and of timm:
//
//   x  →  norm1 → attention inside windows → proj     + x
//   y  →  norm2 → mlp.fc1 → GELU → mlp.fc2            + y
//
// Every second block's windows are shifted by half a window; SwinWindows.swift has the rules. The tables of
// position biases tell the windows' edges and the heads.
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
  var graph: Graph
  var assumptions: [Assumption] = []
  var usedOptions: Set<String> { isDepthwise ? [] : ["--windows"] }
  private let windows: SwinWindows
  /// A depth-wise ViT's own code leaves windows as they are on smaller maps, and does not shift them there.
  private let isDepthwise: Bool

  static func isDepthwise(_ checkpoint: Checkpoint) -> Bool {
    let own = [".attn.key_norm.weight", ".attn.position_bias"]
    return checkpoint.tensors.keys.contains { name in own.contains { name.hasSuffix($0) } }
  }

  init(_ checkpoint: Checkpoint, options: Network.Options) {
    isDepthwise = Self.isDepthwise(checkpoint)
    let reader = TensorReader(checkpoint, family: isDepthwise ? "depth-wise ViT" : "Swin")
    self.reader = reader
    self.options = options
    graph = Self.picture(options)
    // timm merges in front of a stage and calls its head's matrix so.
    let isTimms =
      ["layers.1.downsample.reduction.weight", "head.fc.weight"].contains { reader.has($0) }
      && !reader.has("layers.0.downsample.reduction.weight")
    let isDense = reader.has("norm0.weight") || reader.has("norm1.weight")
    windows =
      isDepthwise
      ? .original : options.windows ?? (isDense ? .originalDense : isTimms ? .timm : .original)
    if !isDepthwise, options.windows == nil {
      assumptions.append(
        Assumption(what: "windows as in the code '\(windows.rawValue)'", option: "--windows"))
    }
  }

  mutating func addBackbone() throws(NetworkError) -> Backbone {
    let projection = try reader.shape("patch_embed.proj.weight", rank: 4)
    let patch = projection[2]
    let stages = try stageCount { "layers.\($0).blocks.0.norm1.weight" }
    try requirePatches(of: patch, merges: windows.mergesOddMaps ? 0 : stages - 1)

    var value = try addPatchEmbed(patch, channels: projection[0])
    var ends: [Graph.ValueID] = []
    for stage in 0..<stages {
      if stage > 0 { value = try addMerge(merge(before: stage), value) }
      let name = "layers.\(stage)"
      for number in 0..<(count { reader.has("\(name).blocks.\($0).norm1.weight") }) {
        let block = "\(name).blocks.\(number)"
        value = try addAttention(block, isShifted: number % 2 == 1, value)
        value = try addNormalizedMLP(block, value)
      }
      ends.append(value)
    }
    let isTimms = reader.has("head.fc.weight") || (!isDepthwise && windows == .timm)
    return Backbone(
      stages: ends, norms: try stageNorms(ends),
      classifier: isTimms && !reader.has("head.weight") ? "head.fc" : "head")
  }

  /// The merge between two stages: the original code counts it to the first, timm to the second.
  private func merge(before stage: Int) -> String {
    let original = reader.has("layers.0.downsample.reduction.weight")
    return "layers.\(original ? stage - 1 : stage).downsample"
  }

  /// The window's edge and the heads of a table of (2 · edge − 1)² × heads biases.
  private func window(
    _ table: String, on map: Shape
  ) throws(NetworkError) -> (edge: Int, heads: Int) {
    let shape = try reader.shape(table, rank: 2)
    let edges = 1...WindowAttention.maximumWindow
    let shorter = min(map.height, map.width)
    guard let edge = edges.first(where: { (2 * $0 - 1) * (2 * $0 - 1) == shape[0] }) else {
      // A map shorter than a window along one axis only.
      let isOblong = edges.contains { (2 * shorter - 1) * (2 * $0 - 1) == shape[0] }
      throw .wrongShape(
        tensor: table,
        expected: "(2w − 1)² rows, w at most \(WindowAttention.maximumWindow)"
          + (isOblong ? " (not oblong ones, cut to a map of \(map.height)×\(map.width))" : ""),
        found: shape)
    }
    if windows.shrinksWindows, !isDepthwise, edge > shorter {
      throw .windowBeyondMap(tensor: table, window: edge, map: map, code: windows)
    }
    return (edge, shape[1])
  }

  private mutating func addAttention(
    _ name: String, isShifted: Bool, _ input: Graph.ValueID
  ) throws(NetworkError) -> Graph.ValueID {
    let shape = shape(input), channels = shape.channels, keyNorm = "\(name).attn.key_norm"
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
    return try graph.add("\(name).attn", attention, input)
  }

  /// Windows whose biases are in `table`, and their heads.
  private mutating func windows(
    _ table: String, isShifted: Bool, _ shape: Shape
  ) throws(NetworkError) -> (FloatAttention.Reach, heads: Int) {
    let (edge, heads) = try window(table, on: shape)
    guard shape.channels % heads == 0 else {
      throw .wrongShape(
        tensor: table, expected: "with heads that divide \(shape.channels)",
        found: try reader.shape(table, rank: 2))
    }
    // From rows by query minus key, each with all heads, to heads by key minus query.
    let rows = (2 * edge - 1) * (2 * edge - 1)
    let values = try reader.values(table, [rows, heads])
    let bias = (0..<heads * rows).map { values[(rows - 1 - $0 % rows) * heads + $0 / rows] }
    let shift = windows.shift(edge: edge, of: shape, isShifted: isShifted)
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
