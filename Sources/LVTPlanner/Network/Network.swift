// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// LayerNorm's parameters.
public struct FloatNorm: Sendable {
  /// Scale of each channel.
  public var gamma: [Float]
  /// Shift of each channel.
  public var beta: [Float]
  /// What is added to the variance.
  public var epsilon: Float
}

/// A depth-wise filter: K × K taps of each channel.
public struct FloatFilter: Sendable {
  /// K, odd.
  public let kernel: Int
  /// Channels.
  public let channels: Int
  /// Taps in raster order, each with all channels.
  public var weights: [Float]
  /// One value for each channel.
  public var bias: [Float]
}

/// Computes a depth-wise filter from the mean of what it filters: taps = expand(ReLU(squeeze(mean))).
public struct FloatDynamicFilter: Sendable {
  /// K, odd.
  public let kernel: Int
  /// Channels.
  public let channels: Int
  /// Channels → hidden.
  public var squeeze: FloatMatrix
  /// Hidden → taps: the K × K taps of channel 0 in raster order, then those of channel 1.
  public var expand: FloatMatrix
  /// One value for each channel.
  public var bias: [Float]
}

/// Computes taps of each position from its channels, taps = expand(ReLU(squeeze(x))), and filters with
/// them; each channel then has a scale and a bias.
public struct FloatInhomogeneousFilter: Sendable {
  /// K, odd.
  public let kernel: Int
  /// Channels.
  public let channels: Int
  /// Groups of neighbouring channels that share taps.
  public let groups: Int
  /// Channels → hidden.
  public var squeeze: FloatMatrix
  /// Hidden → taps: the K × K taps of group 0 in raster order, then those of group 1.
  public var expand: FloatMatrix
  /// One factor for each channel.
  public var scale: [Float]
  /// One value for each channel.
  public var bias: [Float]

  /// The group of a channel.
  func group(of channel: Int) -> Int { channel / (channels / groups) }
}

/// A K × K convolution with padding (K − 1) / 2.
public struct FloatConvolution: Sendable {
  /// K, odd.
  public let kernel: Int
  /// Input rows and columns from one output position to the next.
  public let stride: Int
  /// K² · channels inputs in the order row, column, channel.
  public var matrix: FloatMatrix
  /// Whether GELU follows.
  public let gelu: Bool
}

/// Multi-head attention.
public struct FloatAttention: Sendable {
  /// Which positions a position attends to.
  public enum Reach: Sendable {
    /// Those of its square window.
    ///
    /// `bias` has heads × (2 · edge − 1)² elements by key minus query in rows and columns, or none.
    case window(edge: Int, shift: WindowShift, bias: [Float])
    /// All of the map.
    case map
    /// 3 × 3 neighbours; the heads form groups of equal size, in group g the neighbours are g + 1 rows
    /// and columns apart.
    ///
    /// Keys and values outside the map are zeros and take part.
    case dilated(groups: Int)
    /// K × K neighbours; every channel is a head, and `bias` has what each adds to the score of a
    /// neighbour: neighbours in raster order, each with all channels.
    ///
    /// Keys and values outside the map are zeros and take part.
    case neighbours(kernel: Int, bias: [Float])
  }

  /// Which positions a position attends to.
  public let reach: Reach
  /// Heads, which divide the channels.
  public let heads: Int
  /// What makes weights of scores: ReLU and LayerNorm over the keys, with one γ and one β for each head;
  /// nil for softmax.
  public let keyNorm: FloatNorm?
  /// In front.
  public var norm: FloatNorm
  /// Queries, keys, values.
  public var qkv: FloatMatrix
  /// Behind.
  public var project: FloatMatrix

  /// What is added to scores, or nothing.
  var positionBiases: [Float] {
    switch reach {
    case .window(_, _, let bias), .neighbours(_, let bias): bias
    case .map, .dilated: []
    }
  }
  /// Channels.
  public var channels: Int { qkv.inputs }
  /// Channels of a head.
  public var headChannels: Int { channels / heads }
  /// Positions that each of `map` attends to.
  public func keys(of map: Shape) -> Int {
    switch reach {
    case .window(let edge, _, _): edge * edge
    case .map: map.positions
    case .dilated: 9
    case .neighbours(let kernel, _): kernel * kernel
    }
  }
  /// What scores are multiplied with.
  public var scale: Float { 1 / Float(headChannels).squareRoot() }
}

/// A network after its BatchNorms are folded: the steps of a plan, still in float32.
public struct Network: Sendable {
  /// What a layer computes.
  ///
  /// Each becomes one step of the plan.
  public enum Operation: Sendable {
    /// Patches of `patch`² pixels (in the order row, column, colour) → product → LayerNorm.
    case patchEmbed(patch: Int, FloatMatrix, FloatNorm)
    /// Product at each position, plus a residual value, then ReLU if `relu`.
    case pointwise(FloatMatrix, relu: Bool, residual: Int?)
    /// Depth-wise convolution, then ReLU, or plus the input if `residual`.
    case depthwise(FloatFilter, residual: Bool)
    /// Depth-wise convolution with taps computed from the input's mean over positions, then ReLU.
    case dynamicDepthwise(FloatDynamicFilter)
    /// Depth-wise convolution with taps computed from each position's channels, then ReLU.
    case inhomogeneousDepthwise(FloatInhomogeneousFilter)
    /// LayerNorm if there is one, product, GELU, product, plus the input.
    case mlp(norm: FloatNorm?, expand: FloatMatrix, project: FloatMatrix)
    /// 2 × 2 positions side by side → LayerNorm → product.
    case patchMerge(FloatNorm, FloatMatrix)
    /// LayerNorm → mean or maximum over positions → product: the logits.
    case head(FloatNorm, Head.Pooling, FloatMatrix)
    /// LayerNorm, attention, product, plus the input.
    case attention(FloatAttention)
    /// Convolution, then GELU if it says so.
    case convolution(FloatConvolution)
  }

  /// A layer: reads value `index` and makes value `index + 1`.
  public struct Layer: Sendable {
    /// The name that the checkpoint gives this part.
    public let name: String
    /// What it computes.
    public var operation: Operation
    /// The extent of what it makes.
    public let output: Shape
  }

  /// The architecture's name.
  public let family: String
  /// The input picture.
  public let inputSize: PictureSize
  /// Mean of each colour, pixels being 0 … 1.
  public let mean: [Float]
  /// Deviation of each colour.
  public let deviation: [Float]
  /// What the tensors did not tell.
  public let assumptions: [Assumption]
  /// In order; value 0 is the picture.
  public var layers: [Layer]

  /// The extent of a value.
  public func shape(ofValue index: Int) -> Shape {
    index == 0
      ? Shape(height: inputSize.height, width: inputSize.width, channels: 3)
      : layers[index - 1].output
  }

  /// Classes.
  public var classCount: Int { layers.last?.output.channels ?? 0 }

  /// Multiplications of one run.
  public var macs: Int { layers.indices.reduce(0) { $0 + macs(ofLayer: $1) } }

  /// Multiplications of one layer.
  public func macs(ofLayer index: Int) -> Int {
    let positions = layers[index].output.positions
    switch layers[index].operation {
    case .patchEmbed(_, let m, _), .pointwise(let m, _, _), .patchMerge(_, let m),
      .head(_, _, let m):
      return positions * m.inputs * m.outputs
    case .depthwise(let f, _):
      return positions * f.channels * f.kernel * f.kernel
    case .dynamicDepthwise(let f):
      return positions * f.channels * f.kernel * f.kernel
        + f.squeeze.weights.count + f.expand.weights.count
    case .inhomogeneousDepthwise(let f):
      return positions
        * (f.channels * f.kernel * f.kernel + f.squeeze.weights.count + f.expand.weights.count)
    case .mlp(_, let expand, let project):
      return positions * (expand.inputs * expand.outputs + project.inputs * project.outputs)
    case .attention(let a):
      return positions * a.channels * (4 * a.channels + 2 * a.keys(of: layers[index].output))
    case .convolution(let c):
      return positions * c.matrix.inputs * c.matrix.outputs
    }
  }

  /// Refuses what no plan can hold, before the time that calibration takes.
  func checkLimits() throws(PlannerError) {
    for (i, layer) in layers.enumerated() {
      func require(_ found: Int, _ most: Int, _ what: String) throws(PlannerError) {
        guard found <= most else {
          throw .limit(layer: layer.name, expected: "at most \(most) \(what)", found: "\(found)")
        }
      }
      try require(i + 2, PlanLimits.entries, "layers")
      let output = layer.output, isLast = i == layers.count - 1
      try require(max(output.width, output.height), PlanLimits.extent, "rows or columns")
      try require(
        output.channels, PlanLimits.channels(of: isLast ? .float32 : .int8),
        isLast ? "classes" : "channels")
      for matrix in layer.operation.matrices {
        try require(matrix.inputs, PlanLimits.k, "inputs of a product")
        try require(matrix.outputs, PlanLimits.columns, "outputs of a product")
      }
    }
  }

  /// Weights and biases, after folding.
  public var parameters: Int {
    layers.reduce(0) { total, layer in
      switch layer.operation {
      case .patchEmbed(_, let m, let n), .patchMerge(let n, let m),
        .head(let n, _, let m):
        total + m.weights.count + m.bias.count + 2 * n.gamma.count
      case .pointwise(let m, _, _): total + m.weights.count + m.bias.count
      case .depthwise(let f, _): total + f.weights.count + f.bias.count
      case .dynamicDepthwise(let f):
        total + f.squeeze.weights.count + f.squeeze.bias.count
          + f.expand.weights.count + f.expand.bias.count + f.bias.count
      case .inhomogeneousDepthwise(let f):
        total + f.squeeze.weights.count + f.squeeze.bias.count
          + f.expand.weights.count + f.expand.bias.count + f.scale.count + f.bias.count
      case .mlp(let norm, let a, let b):
        total + a.weights.count + a.bias.count + b.weights.count + b.bias.count
          + 2 * (norm?.gamma.count ?? 0)
      case .attention(let a):
        total + a.qkv.weights.count + a.qkv.bias.count + a.project.weights.count
          + a.project.bias.count + a.positionBiases.count + 2 * a.norm.gamma.count
          + 2 * (a.keyNorm?.gamma.count ?? 0)
      case .convolution(let c): total + c.matrix.weights.count + c.matrix.bias.count
      }
    }
  }
}

extension Network.Operation {
  /// The products, in order.
  fileprivate var matrices: [FloatMatrix] {
    switch self {
    case .patchEmbed(_, let m, _), .pointwise(let m, _, _), .patchMerge(_, let m),
      .head(_, _, let m):
      [m]
    case .depthwise: []
    case .dynamicDepthwise(let f): [f.squeeze, f.expand]
    case .inhomogeneousDepthwise(let f): [f.squeeze, f.expand]
    case .mlp(_, let expand, let project): [expand, project]
    case .attention(let a): [a.qkv, a.project]
    case .convolution(let c): [c.matrix]
    }
  }
}
