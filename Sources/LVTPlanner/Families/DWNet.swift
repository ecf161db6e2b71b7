// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

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

struct DWNetBuilder: NetworkBuilder {
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
  var graph: Graph
  var assumptions: [Assumption] = []
  var usedOptions: Set<String> { kind == .inhomogeneous ? ["--kernel"] : [] }

  init(_ checkpoint: Checkpoint, _ kind: Kind, options: Network.Options) {
    reader = TensorReader(checkpoint, family: kind.rawValue)
    self.kind = kind
    self.options = options
    graph = Self.picture(options)
  }

  mutating func addBackbone() throws(NetworkError) -> Backbone {
    let projection = try reader.shape("patch_embed.proj.weight", rank: 4)
    let patch = projection[2]
    let stages = try stageCount { "layers.\($0).blocks.0.bn.weight" }
    try requirePatches(of: patch, merges: isDense ? 0 : stages - 1)

    var value = try addPatchEmbed(patch, channels: projection[0])
    var ends: [Graph.ValueID] = []
    for stage in 0..<stages {
      let name = "layers.\(stage)"
      for block in 0..<(count { reader.has("\(name).blocks.\($0).bn.weight") }) {
        value = try addBlock("\(name).blocks.\(block)", value)
      }
      ends.append(value)
      if stage < stages - 1 { value = try addMerge("\(name).downsample", value) }
    }
    return Backbone(stages: ends, norms: try stageNorms(ends))
  }

  private mutating func addBlock(
    _ name: String, _ input: Graph.ValueID
  ) throws(NetworkError) -> Graph.ValueID {
    let channels = shape(input).channels
    let conv = "\(name).attn2conv"

    let norm = try reader.batchNorm("\(conv).bn", channels: channels)
    let filter: any FloatOperation, kernel: Int
    switch kind {
    case .fixed:
      let taps = try reader.filter("\(conv).conv", channels: channels).followed(by: norm)
      (filter, kernel) = (FloatDepthwise(filter: taps, ending: .relu), taps.kernel)
    case .dynamic:
      let computed = try dynamicFilter("\(conv).conv", channels).followed(by: norm)
      (filter, kernel) = (computed, computed.kernel)
    case .inhomogeneous:
      let computed = try inhomogeneousFilter("\(conv).conv", channels).followed(by: norm)
      (filter, kernel) = (computed, computed.kernel)
    }

    // The code for detection and segmentation pads to whole windows in front of conv0 and cuts behind bn2.
    let extent = Extent(of: shape(input))
    let padded = isDense ? extent.padded(to: kernel) : extent
    let conv0 = try reader.matrix(
      "\(conv).conv0", inputs: channels, outputs: channels, convolution: true, bias: false)
    let bn0 = try reader.batchNorm("\(conv).bn0", channels: channels)
    let first = try graph.add(
      "\(conv).conv0",
      FloatPointwise(
        matrix: conv0.followed(by: bn0), relu: true, extent: padded == extent ? nil : padded), input
    )
    let filtered = try graph.add("\(conv).conv", filter, first)
    let conv2 = try reader.matrix(
      "\(conv).conv2", inputs: channels, outputs: channels, convolution: true, bias: false)
    let bn2 = try reader.batchNorm("\(conv).bn2", channels: channels)
    let sum = try graph.add(
      "\(conv).conv2",
      FloatPointwise(
        matrix: conv2.followed(by: bn2), relu: false, residual: Resampling.none,
        extent: padded == extent ? nil : extent), filtered, input)

    let hidden = try reader.shape("\(name).mlp.fc1.weight", rank: 2)[0]
    let fc1 = try reader.matrix("\(name).mlp.fc1", inputs: channels, outputs: hidden, bias: true)
    let fc2 = try reader.matrix("\(name).mlp.fc2", inputs: hidden, outputs: channels, bias: true)
    let bn = try reader.batchNorm("\(name).bn", channels: channels)
    return try graph.add(
      "\(name).mlp", FloatMLP(norm: nil, expand: fc1.preceded(by: bn), project: fc2), sum)
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

extension Extent {
  /// The next larger extents that are whole multiples.
  fileprivate func padded(to unit: Int) -> Extent {
    Extent(
      height: (height + unit - 1) / unit * unit, width: (width + unit - 1) / unit * unit)
  }
}
