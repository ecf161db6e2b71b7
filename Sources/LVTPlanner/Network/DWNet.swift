// SPDX-License-Identifier: Apache-2.0
public import LVTModel

// The static, the dynamic and the inhomogeneous dynamic DWNet of arXiv 2106.04263, by the tensor names of their published code:
//
//   x  →  attn2conv.conv0 1×1 → bn0 → ReLU → conv K×K depth-wise → bn → ReLU → conv2 1×1 → bn2   + x
//   y  →  bn → mlp.fc1 → GELU → mlp.fc2                                                         + y
//
// In the dynamic one, conv has the same weights for no two pictures:
//
//   weights = conv.conv2(ReLU(conv.bn(conv.conv1(mean over positions))))
//
// In the inhomogeneous one, conv has weights of its own at every position, shared by groups of channels:
//
//   weights = conv.conv2.0(ReLU(conv.conv1.1(conv.conv1.0(channels of the position))))

extension Network {
  /// What a checkpoint cannot tell.
  public struct Options: Sendable {
    /// The input picture.
    public var inputSize = PictureSize(square: 224)
    /// Mean of each colour, pixels being 0 … 1.
    public var mean: [Float] = [0.485, 0.456, 0.406]
    /// Deviation of each colour.
    public var deviation: [Float] = [0.229, 0.224, 0.225]
    /// Heads of each stage where no tensor tells; empty for 3, and twice as many in each further stage.
    public var heads: [Int] = []
    /// What the head makes of the positions; nil for the mean, as all published networks have it.
    public var pooling: Head.Pooling?
    /// Distances of a DilateFormer's neighbours: 1, 2, … to the number of groups of heads; nil for three.
    public var dilations: Int?
    /// The edge of an inhomogeneous DWNet's filters; nil for the greatest with which its groups divide the
    /// channels.
    public var kernel: Int?
    /// Which code's windows a Swin has; nil for that which gives its tensors their names.
    public var windows: SwinWindows?

    /// The published defaults: 224 pixels, ImageNet's mean and deviation.
    public init() {}
  }

  /// Recognises the architecture by its tensors and folds its BatchNorms.
  ///
  /// - Throws: ``NetworkError``, which names the tensor.
  public init(_ checkpoint: Checkpoint, options: Options) throws(NetworkError) {
    let attentions = ["relative_position_bias_table", "position_bias"]
    if attentions.contains(where: { checkpoint.tensors["layers.0.blocks.0.attn.\($0)"] != nil }) {
      var builder = SwinBuilder(checkpoint, options: options)
      self = try builder.network()
      return
    }
    if checkpoint.tensors["stages.0.blocks.0.pos_embed.weight"] != nil {
      var builder = DilateFormerBuilder(checkpoint, options: options)
      self = try builder.network()
      return
    }
    let conv = "layers.0.blocks.0.attn2conv.conv"
    let kind = DWNetBuilder.Kind.allCases.first {
      checkpoint.tensors["\(conv).\($0.recognisedBy)"] != nil
    }
    guard let kind else {
      let known = ["patch_embed.", "norm.", "head.", "layers."]
      let names = checkpoint.tensors.keys.sorted()
      for (part, library) in NetworkNames.libraries {
        if let tensor = names.first(where: { $0.contains(part) }) {
          throw .foreignNames(tensor: tensor, library: library)
        }
      }
      let odd = names.first { name in !known.contains { name.hasPrefix($0) } }
      throw .unknownFamily(tensor: odd ?? names.first { $0.hasPrefix("layers.") } ?? "none at all")
    }
    var builder = DWNetBuilder(checkpoint, kind, options: options)
    self = try builder.network()
  }
}

private struct DWNetBuilder: NetworkBuilder {
  /// Where the depth-wise taps come from.
  enum Kind: String, CaseIterable {
    case fixed = "DWNet"
    case dynamic = "dynamic DWNet"
    case inhomogeneous = "inhomogeneous dynamic DWNet"

    /// A tensor that only this kind's filters have.
    var recognisedBy: String {
      switch self {
      case .fixed: "weight"
      case .dynamic: "conv1.weight"
      case .inhomogeneous: "conv1.0.weight"
      }
    }
  }

  var reader: TensorReader
  let options: Network.Options
  private let kind: Kind
  var layers: [Network.Layer] = []
  var assumptions: [Assumption] = []
  var usedOptions: Set<String> { kind == .inhomogeneous ? ["--kernel"] : [] }

  init(_ checkpoint: Checkpoint, _ kind: Kind, options: Network.Options) {
    reader = TensorReader(checkpoint, family: kind.rawValue)
    self.kind = kind
    self.options = options
  }

  mutating func network() throws(NetworkError) -> Network {
    let projection = try reader.shape("patch_embed.proj.weight", rank: 4)
    let patch = projection[2]
    let stages = try stageCount { "layers.\($0).blocks.0.bn.weight" }
    try requirePatches(of: patch, merges: stages - 1)

    var shape = Shape(
      height: options.inputSize.height / patch, width: options.inputSize.width / patch,
      channels: projection[0])
    try addPatchEmbed(patch, shape)
    for stage in 0..<stages {
      let name = "layers.\(stage)"
      for block in 0..<(count { reader.has("\(name).blocks.\($0).bn.weight") }) {
        try addBlock("\(name).blocks.\(block)", shape)
      }
      if stage < stages - 1 {
        let merged = Shape(
          height: shape.height / 2, width: shape.width / 2, channels: shape.channels * 2)
        try addMerge("\(name).downsample", from: shape, to: merged)
        shape = merged
      }
    }
    try addHead(shape)
    return try finished(family: reader.family)
  }

  private mutating func addBlock(_ name: String, _ shape: Shape) throws(NetworkError) {
    let channels = shape.channels
    let input = layers.count  // the value that the block adds to
    let conv = "\(name).attn2conv"

    let conv0 = try reader.matrix(
      "\(conv).conv0", inputs: channels, outputs: channels, convolution: true, bias: false)
    let bn0 = try reader.batchNorm("\(conv).bn0", channels: channels)
    add("\(conv).conv0", .pointwise(conv0.followed(by: bn0), relu: true, residual: nil), shape)

    let norm = try reader.batchNorm("\(conv).bn", channels: channels)
    let operation: Network.Operation
    switch kind {
    case .fixed:
      operation = .depthwise(
        try reader.filter("\(conv).conv", channels: channels).followed(by: norm),
        residual: false)
    case .dynamic:
      operation = .dynamicDepthwise(
        try dynamicFilter("\(conv).conv", channels).followed(by: norm))
    case .inhomogeneous:
      operation = .inhomogeneousDepthwise(
        try inhomogeneousFilter("\(conv).conv", channels).followed(by: norm))
    }
    add("\(conv).conv", operation, shape)

    let conv2 = try reader.matrix(
      "\(conv).conv2", inputs: channels, outputs: channels, convolution: true, bias: false)
    let bn2 = try reader.batchNorm("\(conv).bn2", channels: channels)
    add("\(conv).conv2", .pointwise(conv2.followed(by: bn2), relu: false, residual: input), shape)

    let hidden = try reader.shape("\(name).mlp.fc1.weight", rank: 2)[0]
    let fc1 = try reader.matrix("\(name).mlp.fc1", inputs: channels, outputs: hidden, bias: true)
    let fc2 = try reader.matrix("\(name).mlp.fc2", inputs: hidden, outputs: channels, bias: true)
    let bn = try reader.batchNorm("\(name).bn", channels: channels)
    add("\(name).mlp", .mlp(norm: nil, expand: fc1.preceded(by: bn), project: fc2), shape)
  }

  private mutating func dynamicFilter(
    _ name: String, _ channels: Int
  ) throws(NetworkError) -> FloatDynamicFilter {
    let hidden = try reader.shape("\(name).conv1.weight", rank: 4)[0]
    let shape = try reader.shape("\(name).conv2.weight", rank: 4)
    var kernel = 1
    while kernel * kernel * channels < shape[0] { kernel += 2 }
    try reader.requireKernel(kernel, "\(name).conv2.weight", shape)
    let squeeze = try reader.matrix(
      "\(name).conv1", inputs: channels, outputs: hidden, convolution: true, bias: false)
    let norm = try reader.batchNorm("\(name).bn", channels: hidden)
    let expand = try reader.matrix(
      "\(name).conv2", inputs: hidden, outputs: channels * kernel * kernel, convolution: true,
      bias: true)
    return FloatDynamicFilter(
      kernel: kernel, channels: channels, squeeze: squeeze.followed(by: norm), expand: expand,
      bias: try reader.values("\(name).bias", [channels]))
  }

  private mutating func inhomogeneousFilter(
    _ name: String, _ channels: Int
  ) throws(NetworkError) -> FloatInhomogeneousFilter {
    let hidden = try reader.shape("\(name).conv1.0.weight", rank: 4)[0]
    let shape = try reader.shape("\(name).conv2.0.weight", rank: 4)
    // K² · groups, where the groups divide the channels.
    let fitting = stride(from: 15, through: 1, by: -2).filter { kernel in
      let (groups, rest) = shape[0].quotientAndRemainder(dividingBy: kernel * kernel)
      return rest == 0 && channels % groups == 0
    }
    if fitting.count > 1, options.kernel == nil {
      let assumption = Assumption(
        what: "filters of \(fitting[0]) × \(fitting[0])", option: "--kernel")
      if !assumptions.contains(assumption) { assumptions.append(assumption) }
    }
    guard let kernel = fitting.first(where: { $0 == options.kernel ?? $0 }) else {
      throw .wrongShape(
        tensor: "\(name).conv2.0.weight", expected: "K² taps for groups of \(channels) channels",
        found: shape)
    }
    let squeeze = try reader.matrix(
      "\(name).conv1.0", inputs: channels, outputs: hidden, convolution: true, bias: true)
    let norm = try reader.batchNorm("\(name).conv1.1", channels: hidden)
    let expand = try reader.matrix(
      "\(name).conv2.0", inputs: hidden, outputs: shape[0], convolution: true, bias: true)
    return FloatInhomogeneousFilter(
      kernel: kernel, channels: channels, groups: shape[0] / (kernel * kernel),
      squeeze: squeeze.followed(by: norm), expand: expand,
      scale: [Float](repeating: 1, count: channels),
      bias: [Float](repeating: 0, count: channels))
  }
}
