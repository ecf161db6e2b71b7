// SPDX-License-Identifier: Apache-2.0
public import LVTModel
public import LVTPlanner
import LVTRuntime

/// What a tiny network of several stages finds, beside what classifies pictures.
public enum TinyHead: Equatable, Sendable {
  /// RetinaNet over a pyramid of the stages from the second on, and one further level.
  case retina
  /// UPerNet.
  case upper
  /// Semantic FPN over a pyramid of all stages.
  case semantic
  /// Mask R-CNN with two products, or Cascade Mask R-CNN with a convolution and a product, over a pyramid of all
  /// stages.
  case rcnn(stages: Int)
}

extension TinyHead {
  /// Whether the head's convolutions have BatchNorms.
  fileprivate var hasNorms: Bool {
    switch self {
    case .upper, .semantic: true
    case .retina, .rcnn: false
    }
  }
}

/// A static, dynamic or inhomogeneous DWNet, a Swin, a depth-wise ViT or a DilateFormer with seeded random
/// weights, as the tensors of a checkpoint.
public struct TinyNetwork: Sendable {
  /// Whether the depth-wise filters are computed from their input.
  public var isDynamic = false
  /// Groups of channels that share the taps of a position: the network is inhomogeneous.
  public var groups: Int?
  /// Channels of the first stage.
  public var embed = 8
  /// Blocks of each stage.
  public var depths = [1, 1]
  /// Heads of the first stage, doubled in each further one: the network is a Swin or a DilateFormer.
  public var heads: Int?
  /// The network is a DilateFormer whose first stages are dilated, and so many of them.
  public var dilatedStages: Int?
  /// The network is a depth-wise ViT: so many of its first stages have depth-wise attention.
  public var depthwiseStages: Int?
  /// Whether LayerNorm over the keys takes the softmax's place in the stages of a depth-wise ViT, the last
  /// one's answer serving all further ones.
  public var keyNorms: [Bool] = []
  /// K of the depth-wise filters, or the edge of a window unless the map is smaller.
  public var window = 3
  /// Edge of the patches.
  public var patch = 2
  /// Hidden width of an MLP over its channels.
  public var ratio = 2
  /// Logits.
  public var classes = 5
  /// Names of the classes; none, or one for each.
  public var labels: [String] = []
  /// How a picture becomes the input.
  public var fit = InputSpec.Fit.stretch
  /// Whether there are tensors of the logits; without them all others are the same.
  public var hasHead = true
  /// What takes the place of `norm` and the logits; the stages of a DWNet then have norms of their own.
  public var denseHead: TinyHead?
  /// Whether the results are the maps of the stages.
  public var features = false
  /// Edge of the input, or its width if there is a height.
  public var input = 16
  /// Rows of the input, if it is no square.
  public var inputHeight: Int?
  /// How wide a plan's residual stream is.
  public var residual = ResidualWidth.int8
  /// Where the weights come from.
  public var seed: UInt64 = 1

  /// A network of some thousand weights.
  public init(isDynamic: Bool = false) { self.isDynamic = isDynamic }

  /// Every tensor that the network needs.
  public func checkpoint() -> Checkpoint {
    var generator = SplitMix64(seed: seed)
    var tensors: [String: FloatTensor] = [:]
    func add(_ name: String, _ shape: [Int], around centre: Float = 0, spread: Float) {
      let count = shape.reduce(1, *)
      let values = (0..<count).map { _ in
        centre + spread * Float.random(in: -1...1, using: &generator)
      }
      tensors[name] = FloatTensor(shape: shape, values: values)
    }
    func addNorm(_ name: String, _ channels: Int, batch: Bool) {
      add(name + ".weight", [channels], around: 1, spread: 0.3)
      add(name + ".bias", [channels], spread: 0.2)
      if batch {
        add(name + ".running_mean", [channels], spread: 0.2)
        add(name + ".running_var", [channels], around: 1, spread: 0.5)
        tensors[name + ".num_batches_tracked"] = FloatTensor(shape: [], values: [7])
      }
    }
    func addMatrix(_ name: String, _ shape: [Int], bias: Bool) {
      let inputs = Float(shape[1...].reduce(1, *))
      add(name + ".weight", shape, spread: (3 / inputs).squareRoot())
      if bias { add(name + ".bias", [shape[0]], spread: 0.1) }
    }

    if let dilatedStages {
      let stem = [3, 16, 32, 64, embed]
      for i in 0..<4 {
        addMatrix("patch_embed.proj.\(3 * i)", [stem[i + 1], stem[i], 3, 3], bias: false)
        if i < 3 { addNorm("patch_embed.proj.\(3 * i + 1)", stem[i + 1], batch: true) }
      }
      for (stage, depth) in depths.enumerated() {
        let channels = embed << stage
        for block in 0..<depth {
          let name = "stages.\(stage).blocks.\(block)"
          addMatrix("\(name).pos_embed", [channels, 1, 3, 3], bias: true)
          addNorm("\(name).norm1", channels, batch: false)
          let extents = stage < dilatedStages ? [1, 1] : []
          addMatrix("\(name).attn.qkv", [3 * channels, channels] + extents, bias: true)
          addMatrix("\(name).attn.proj", [channels, channels], bias: true)
          addNorm("\(name).norm2", channels, batch: false)
          addMatrix("\(name).mlp.fc1", [ratio * channels, channels], bias: true)
          addMatrix("\(name).mlp.fc2", [channels, ratio * channels], bias: true)
        }
        if stage < depths.count - 1 {
          let name = "stages.\(stage).downsample.proj"
          addMatrix("\(name).0", [2 * channels, channels, 3, 3], bias: true)
          addNorm("\(name).1", 2 * channels, batch: true)
        }
      }
      addNorm("norm", embed << (depths.count - 1), batch: false)
      if hasHead { addMatrix("head", [classes, embed << (depths.count - 1)], bias: true) }
      return Checkpoint(tensors: tensors)
    }
    addMatrix("patch_embed.proj", [embed, 3, patch, patch], bias: true)
    addNorm("patch_embed.norm", embed, batch: false)
    var channels = embed
    for (stage, depth) in depths.enumerated() {
      for block in 0..<depth {
        let name = "layers.\(stage).blocks.\(block)"
        if let heads {
          let edge = 2 * min(window, (input / patch) >> stage) - 1
          addNorm("\(name).norm1", channels, batch: false)
          addMatrix("\(name).attn.qkv", [3 * channels, channels], bias: true)
          let isDepthwise = stage < depthwiseStages ?? 0
          if isDepthwise {
            add("\(name).attn.channel_scale", [channels], around: 1, spread: 0.5)
            add("\(name).attn.position_bias", [channels, window, window], spread: 1)
          } else {
            add(
              "\(name).attn.relative_position_bias_table", [edge * edge, heads << stage],
              spread: 1)
          }
          if !keyNorms.isEmpty, keyNorms[min(stage, keyNorms.count - 1)] {
            let rows = isDepthwise ? channels : heads << stage
            let keys = isDepthwise ? window * window : (edge + 1) / 2 * ((edge + 1) / 2)
            for part in ["weight", "bias"] {
              add(
                "\(name).attn.key_norm.\(part)", [rows], around: 1 / Float(keys),
                spread: 0.5 / Float(keys))
            }
          }
          addMatrix("\(name).attn.proj", [channels, channels], bias: true)
          addNorm("\(name).norm2", channels, batch: false)
          addMatrix("\(name).mlp.fc1", [ratio * channels, channels], bias: true)
          addMatrix("\(name).mlp.fc2", [channels, ratio * channels], bias: true)
          continue
        }
        addMatrix("\(name).attn2conv.conv0", [channels, channels, 1, 1], bias: false)
        addNorm("\(name).attn2conv.bn0", channels, batch: true)
        if let groups {
          let conv = "\(name).attn2conv.conv", hidden = channels / 4
          addMatrix("\(conv).conv1.0", [hidden, channels, 1, 1], bias: true)
          addNorm("\(conv).conv1.1", hidden, batch: true)
          addMatrix("\(conv).conv2.0", [groups * window * window, hidden, 1, 1], bias: true)
        } else if isDynamic {
          let conv = "\(name).attn2conv.conv", hidden = channels / 4
          addMatrix("\(conv).conv1", [hidden, channels, 1, 1], bias: false)
          addNorm("\(conv).bn", hidden, batch: true)
          addMatrix("\(conv).conv2", [channels * window * window, hidden, 1, 1], bias: true)
          add("\(conv).bias", [channels], spread: 0.1)
        } else {
          addMatrix("\(name).attn2conv.conv", [channels, 1, window, window], bias: true)
        }
        addNorm("\(name).attn2conv.bn", channels, batch: true)
        addMatrix("\(name).attn2conv.conv2", [channels, channels, 1, 1], bias: false)
        addNorm("\(name).attn2conv.bn2", channels, batch: true)
        addNorm("\(name).bn", channels, batch: true)
        addMatrix("\(name).mlp.fc1", [ratio * channels, channels], bias: true)
        addMatrix("\(name).mlp.fc2", [channels, ratio * channels], bias: true)
      }
      if stage < depths.count - 1 {
        addNorm("layers.\(stage).downsample.norm", 4 * channels, batch: false)
        addMatrix(
          "layers.\(stage).downsample.reduction", [2 * channels, 4 * channels], bias: false)
        channels *= 2
      }
    }
    if let denseHead {
      let stages = depths.indices.map { embed << $0 }
      for (stage, channels) in stages.enumerated() {
        addNorm("norm\(stage)", channels, batch: true)
      }
      func addConvolution(_ name: String, _ outputs: Int, _ inputs: Int, _ kernel: Int = 3) {
        let hasNorm =
          denseHead.hasNorms && !name.hasPrefix("neck.") || name.contains("shared_convs")
        addMatrix("\(name).conv", [outputs, inputs, kernel, kernel], bias: !hasNorm)
        if hasNorm { addNorm("\(name).bn", outputs, batch: true) }
      }
      let width = embed, last = stages.count - 1
      switch denseHead {
      case .retina:
        for level in 0..<last {
          addConvolution("neck.lateral_convs.\(level)", width, stages[level + 1], 1)
          addConvolution("neck.fpn_convs.\(level)", width, width)
        }
        addConvolution("neck.fpn_convs.\(last)", width, stages[last])
        for part in ["cls", "reg"] {
          addConvolution("bbox_head.\(part)_convs.0", width, width)
          // Scores around that of a logit of −2, boxes near their anchors.
          let isClass = part == "cls", name = "bbox_head.retina_\(part)"
          let values = 9 * (isClass ? classes : 4)
          add("\(name).weight", [values, width, 3, 3], spread: isClass ? 0.15 : 0.05)
          add("\(name).bias", [values], around: isClass ? -2 : 0, spread: 0.3)
        }
      case .upper:
        let head = "decode_head"
        for i in 0..<4 { addConvolution("\(head).psp_modules.\(i).1", width, stages[last], 1) }
        addConvolution("\(head).bottleneck", width, stages[last] + 4 * width)
        for i in 0..<last {
          addConvolution("\(head).lateral_convs.\(i)", width, stages[i], 1)
          addConvolution("\(head).fpn_convs.\(i)", width, width)
        }
        addConvolution("\(head).fpn_bottleneck", width, stages.count * width)
        addMatrix("\(head).conv_seg", [classes, width, 1, 1], bias: true)
      case .semantic:
        let head = "decode_head"
        for (level, channels) in stages.enumerated() {
          addConvolution("neck.lateral_convs.\(level)", width, channels, 1)
          addConvolution("neck.fpn_convs.\(level)", width, width)
          for i in 0..<max(1, level) {
            addConvolution("\(head).scale_heads.\(level).\(2 * i)", width, width)
          }
        }
        addMatrix("\(head).conv_seg", [classes, width, 1, 1], bias: true)
      case .rcnn(let cascade):
        for (level, channels) in stages.enumerated() {
          addConvolution("neck.lateral_convs.\(level)", width, channels, 1)
          addConvolution("neck.fpn_convs.\(level)", width, width)
        }
        addMatrix("rpn_head.rpn_conv", [width, width, 3, 3], bias: true)
        addMatrix("rpn_head.rpn_cls", [3, width, 1, 1], bias: true)
        add("rpn_head.rpn_reg.weight", [12, width, 1, 1], spread: 0.1)
        add("rpn_head.rpn_reg.bias", [12], spread: 0.1)
        for stage in 0..<cascade {
          let suffix = cascade > 1 ? ".\(stage)" : ""
          let head = "roi_head.bbox_head\(suffix)", mask = "roi_head.mask_head\(suffix)"
          if cascade > 1 { addConvolution("\(head).shared_convs.0", 6, width) }
          addMatrix(
            "\(head).shared_fcs.0", [20, 49 * (cascade > 1 ? 6 : width)], bias: true)
          if cascade == 1 { addMatrix("\(head).shared_fcs.1", [20, 20], bias: true) }
          addMatrix("\(head).fc_cls", [classes + 1, 20], bias: true)
          add("\(head).fc_reg.weight", [cascade > 1 ? 4 : 4 * classes, 20], spread: 0.2)
          add("\(head).fc_reg.bias", [cascade > 1 ? 4 : 4 * classes], spread: 0.2)
          addConvolution("\(mask).convs.0", 5, width)
          addMatrix("\(mask).upsample", [5, 7, 2, 2], bias: false)
          add("\(mask).upsample.bias", [7], spread: 0.1)
          addMatrix("\(mask).conv_logits", [cascade > 1 ? 1 : classes, 7, 1, 1], bias: true)
        }
      }
      return Checkpoint(tensors: tensors)
    }
    addNorm("norm", channels, batch: false)
    if hasHead { addMatrix("head", [classes, channels], bias: true) }
    return Checkpoint(tensors: tensors)
  }

  /// The input picture.
  public var size: PictureSize { PictureSize(width: input, height: inputHeight ?? input) }

  /// The folded network.
  public func network() throws -> Network { try network(of: checkpoint()) }

  /// The folded network of a checkpoint with its tensors' names and shapes.
  public func network(of checkpoint: Checkpoint) throws -> Network {
    var options = Network.Options()
    options.inputSize = size
    options.features = features
    if case .rcnn = denseHead {
      // Every region is looked at, and many boxes are found.
      options.twoStage.proposals = 12
      options.detection.scales = [2]
      options.detection.selection.boxes = 9
    }
    if dilatedStages != nil, let heads { options.heads = depths.indices.map { heads << $0 } }
    return try Network(checkpoint, options: options)
  }

  /// Seeded pictures of the input's size: smooth, with noise.
  public func pictures(_ count: Int) -> [[UInt8]] {
    (0..<count).map { n in
      var generator = SplitMix64(seed: seed &+ 1000 &* UInt64(n + 1))
      let corners = (0..<12).map { _ in Int.random(in: 0...223, using: &generator) }
      return (0..<size.width * size.height * 3).map { i in
        let x = i / 3 % size.width, y = i / 3 / size.width, colour = i % 3
        let right = max(1, size.width - 1), last = max(1, size.height - 1)
        let top = corners[colour] * (right - x) + corners[3 + colour] * x
        let bottom = corners[6 + colour] * (right - x) + corners[9 + colour] * x
        let smooth = (top * (last - y) + bottom * y) / (right * last)
        return UInt8(smooth + Int.random(in: 0...31, using: &generator))
      }
    }
  }

  /// The plan, calibrated on some seeded pictures.
  public func compile(
    pictures count: Int = 8, schedule: Schedule = Schedule()
  ) throws -> CompiledPlan {
    var options = Planner.Options()
    options.schedule = schedule
    options.residual = residual
    options.labels = labels
    options.fit = fit
    return try Planner(options: options).compile(network(), pictures: pictures(count))
  }
}

/// The bytes of a tiny plan, made once.
public func tinyPlanBytes(isDynamic: Bool = false) throws -> [UInt8] {
  try (isDynamic ? TinyPlan.dynamic : TinyPlan.fixed).get()
}

/// The bytes of a tiny inhomogeneous plan, made once.
public func tinyInhomogeneousPlanBytes() throws -> [UInt8] {
  try TinyPlan.inhomogeneousBytes.get()
}

/// The bytes of a tiny Swin's plan, made once; its second block's windows are shifted.
public func tinySwinPlanBytes() throws -> [UInt8] { try TinyPlan.swinBytes.get() }

/// The bytes of a tiny depth-wise ViT's plan, made once: depth-wise attention with LayerNorm, with
/// softmax, and windows with LayerNorm, of which the second block's are shifted.
public func tinyDepthwiseViTPlanBytes() throws -> [UInt8] { try TinyPlan.depthwiseViTBytes.get() }

/// The bytes of a tiny DilateFormer's plan, made once.
public func tinyDilateFormerPlanBytes() throws -> [UInt8] { try TinyPlan.dilateFormerBytes.get() }

private enum TinyPlan {
  static let fixed = Result { try TinyNetwork().compile().bytes }
  static let dynamic = Result { try TinyNetwork(isDynamic: true).compile().bytes }
  static let inhomogeneousBytes = Result { try TinyNetwork.inhomogeneous.compile().bytes }
  static let swinBytes = Result { try TinyNetwork.swin.compile().bytes }
  static let depthwiseViTBytes = Result { try TinyNetwork.depthwiseViT.compile().bytes }
  static let dilateFormerBytes = Result { try TinyNetwork.dilateFormer.compile().bytes }
}

extension TinyNetwork {
  /// The network with an int16 residual stream.
  public var wide: TinyNetwork {
    var tiny = self
    tiny.residual = .int16
    return tiny
  }

  /// An inhomogeneous DWNet with groups of 2 and 4 channels.
  public static var inhomogeneous: TinyNetwork {
    var tiny = TinyNetwork()
    tiny.groups = 4
    return tiny
  }

  /// A Swin with 4 × 4 positions in a window: four windows in the first stage, one in the second.
  public static var swin: TinyNetwork {
    var tiny = TinyNetwork()
    tiny.depths = [2, 1]
    tiny.heads = 2
    tiny.window = 4
    return tiny
  }
}

extension TinyNetwork {
  /// A depth-wise ViT: depth-wise attention with LayerNorm on 16 × 16 positions and with softmax on 8 × 8,
  /// then windows with LayerNorm that reach beyond 4 × 4, in the second block shifted ones.
  public static var depthwiseViT: TinyNetwork {
    var tiny = TinyNetwork()
    tiny.depths = [1, 1, 2]
    tiny.heads = 1
    tiny.depthwiseStages = 2
    tiny.keyNorms = [true, false, true]
    tiny.input = 32
    return tiny
  }
}

extension TinyNetwork {
  /// A DilateFormer with a dilated stage on an odd map, and one with attention over the whole map.
  public static var dilateFormer: TinyNetwork {
    var tiny = TinyNetwork()
    tiny.embed = 12
    tiny.heads = 3
    tiny.dilatedStages = 1
    tiny.input = 18
    tiny.inputHeight = 13
    return tiny
  }
}

extension TinyNetwork {
  /// A RetinaNet of three levels over a DWNet, whose maps have odd heights.
  public static var detector: TinyNetwork { .dense(.retina, seed: 1) }

  /// A UPerNet over a DWNet, whose maps have odd heights.
  ///
  /// With these weights all three classes are found in most pictures.
  public static var segmenter: TinyNetwork { .dense(.upper, seed: 36) }

  /// A semantic FPN over a DWNet, whose maps have odd heights: sides that are doubled are not those of the map before.
  public static var semanticSegmenter: TinyNetwork { .dense(.semantic, seed: 1) }

  /// A Mask R-CNN over a DWNet, whose maps have odd heights, or a Cascade Mask R-CNN of two stages whose offsets and
  /// masks are the same for all classes.
  public static func rcnn(stages: Int = 1) -> TinyNetwork {
    .dense(.rcnn(stages: stages), seed: UInt64(stages))
  }

  private static func dense(_ head: TinyHead, seed: UInt64) -> TinyNetwork {
    var tiny = TinyNetwork()
    tiny.seed = seed
    tiny.depths = [1, 1, 1]
    tiny.denseHead = head
    tiny.classes = 3
    tiny.labels = ["cat", "dog", "cow"]
    (tiny.input, tiny.inputHeight) = (64, 50)
    return tiny
  }
}

/// A plan from bytes.
public func plan(_ bytes: [UInt8]) throws -> Plan {
  try bytes.withUnsafeBytes { try Plan(copying: $0) }
}

/// The folder of test data.
public var fixtures: String {
  #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    .joined(separator: "/") + "/Fixtures"
}

/// The top of the repository.
public var repository: String {
  fixtures.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    .joined(separator: "/")
}

/// The logits of a plan for a picture of its input's size.
public func runPlan(_ plan: Plan, _ picture: [UInt8], threads: Int = 1) throws -> [Float] {
  let engine = try Engine(plan: plan, threads: threads)
  engine.withPicture { $0.copyBytes(from: picture) }
  engine.run()
  return Array(engine.logits)
}
