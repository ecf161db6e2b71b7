// SPDX-License-Identifier: Apache-2.0

/// A packed matrix in the plan's constants: `panelCount` panels of 16 columns (CLVTKernels, pack.c).
public struct PackedMatrix: Equatable, Sendable {
  /// Rows: inputs of a column.
  ///
  /// For a depth-wise filter, its padded taps.
  public var k: Int
  /// Columns that mean something; panels are padded to 16.
  public var n: Int
  /// Byte offset in the constants, a multiple of 64.
  public var offset: Int
  /// What zero is in the output, −128 … 127.
  public var outputZeroPoint: Int
  /// Smallest output value: the output's zero point for a ReLU, else −128.
  public var lowerBound: Int

  /// A packed matrix.
  public init(k: Int, n: Int, offset: Int, outputZeroPoint: Int, lowerBound: Int) {
    self.k = k
    self.n = n
    self.offset = offset
    self.outputZeroPoint = outputZeroPoint
    self.lowerBound = lowerBound
  }

  /// Panels of 16 columns.
  public var panelCount: Int { Shape.blocks(n) }
  /// Bytes of one panel: bias, column sums and multipliers, then the weights.
  public var panelBytes: Int { PackedMatrix.headerBytes + (k + 3) / 4 * 64 }
  /// Bytes of the matrix.
  public var byteCount: Int { panelCount * panelBytes }
  /// The matrix of some consecutive panels only.
  public func part(_ panels: Range<Int>) -> PackedMatrix {
    var part = self
    part.offset += panels.lowerBound * panelBytes
    part.n = min(n, panels.upperBound * Shape.block) - panels.lowerBound * Shape.block
    return part
  }
  /// Bytes in front of a panel's weights.
  public static let headerBytes = 192
}

/// LayerNorm constants in the plan: γ/s_out and β/s_out as float32, padded to blocks of 16.
public struct LayerNorm: Equatable, Sendable {
  /// Channels that are normalised together.
  public var channels: Int
  /// Byte offset of γ/s_out, a multiple of 64.
  public var gammaOffset: Int
  /// Byte offset of β/s_out, a multiple of 64.
  public var betaOffset: Int
  /// ε divided by the square of the input's scale.
  public var epsilon: Float
  /// What zero is in the output.
  public var outputZeroPoint: Int

  /// LayerNorm constants.
  public init(
    channels: Int, gammaOffset: Int, betaOffset: Int, epsilon: Float, outputZeroPoint: Int
  ) {
    self.channels = channels
    self.gammaOffset = gammaOffset
    self.betaOffset = betaOffset
    self.epsilon = epsilon
    self.outputZeroPoint = outputZeroPoint
  }
}

/// How an int16 map becomes the int8 rows that a product reads:
/// `q8 = clamp(zeroPoint + rne(f32(q16) · multiplier))`.
public struct Narrowing: Equatable, Sendable {
  /// Scale of the map over that of the rows.
  public var multiplier: Float
  /// What zero is in the rows, −128 … 127.
  public var zeroPoint: Int

  /// A narrowing.
  public init(multiplier: Float, zeroPoint: Int) {
    self.multiplier = multiplier
    self.zeroPoint = zeroPoint
  }
}

/// The RGB picture cut into square patches, each one a row of a matrix product, then LayerNorm.
///
/// Mean and deviation of the pixels are folded into the weights; the sums between the two are
/// int16.
public struct PatchEmbed: Equatable, Sendable {
  /// Edge of a patch in pixels.
  public var patch: Int
  /// k = 3 · patch², in the order row, column, colour.
  public var matrix: PackedMatrix
  /// Over the matrix's columns.
  public var norm: LayerNorm

  /// A patch embedding.
  public init(patch: Int, matrix: PackedMatrix, norm: LayerNorm) {
    self.patch = patch
    self.matrix = matrix
    self.norm = norm
  }
}

/// A product at every position, with a residual tensor added if there is one.
public struct Pointwise: Equatable, Sendable {
  /// For an int16 input.
  public var narrowing: Narrowing?
  /// Channels in × channels out.
  public var matrix: PackedMatrix
  /// The tensor that is added, of the output's type, which the output may overwrite.
  public var residual: Int?
  /// Scale of the residual over that of the output.
  public var residualMultiplier: Float

  /// A pointwise step.
  public init(
    narrowing: Narrowing? = nil, matrix: PackedMatrix, residual: Int? = nil,
    residualMultiplier: Float = 0
  ) {
    self.narrowing = narrowing
    self.matrix = matrix
    self.residual = residual
    self.residualMultiplier = residualMultiplier
  }
}

/// A K × K convolution with padding (K − 1) / 2, then the function of a table if there is one.
///
/// The output has an edge of (edge − 1) / stride + 1, rounded down.
public struct Convolution: Equatable, Sendable {
  /// K, odd.
  public var kernel: Int
  /// Input rows and columns from one output position to the next.
  public var stride: Int
  /// What a tap outside the picture holds, if the input is one: three colours as q = p − 128, and a
  /// fourth byte that is −128 for all taps inside.
  ///
  /// Zero of the normalised picture is a fraction of a grey level: the colours are the nearest whole
  /// ones, and the weight of the fourth byte makes up the difference. A map's taps outside hold the
  /// map's zero point.
  public var outside: [Int8]?
  /// k = K² · channels in, or K² · 4 for a picture, in the order row, column, channel.
  public var matrix: PackedMatrix
  /// Byte offset of the 256-entry table of an activation, a multiple of 64.
  public var tableOffset: Int?

  /// A convolution.
  public init(
    kernel: Int, stride: Int, outside: [Int8]?, matrix: PackedMatrix, tableOffset: Int?
  ) {
    self.kernel = kernel
    self.stride = stride
    self.outside = outside
    self.matrix = matrix
    self.tableOffset = tableOffset
  }

  /// Bytes of a tap of a picture: the colours, and whether it is outside.
  public static let pictureChannels = 4

  /// The edge of what a convolution makes.
  public static func edge(_ edge: Int, stride: Int) -> Int { (edge - 1) / stride + 1 }
}

/// A K × K depth-wise convolution, stride 1, padding (K − 1) / 2, plus its input if there is a residual
/// multiplier.
///
/// The output may overwrite the input.
public struct Depthwise: Equatable, Sendable {
  /// K, odd.
  public var kernel: Int
  /// One panel for each block of 16 channels; k = K rows of taps padded to groups of 4.
  public var filter: PackedMatrix
  /// Scale of the input over that of the output; nil if the input is not added.
  public var residualMultiplier: Float?

  /// A depth-wise step.
  public init(kernel: Int, filter: PackedMatrix, residualMultiplier: Float? = nil) {
    self.kernel = kernel
    self.filter = filter
    self.residualMultiplier = residualMultiplier
  }

  /// The padded taps of a K × K filter: the k of its panels.
  public static func paddedTaps(_ kernel: Int) -> Int { kernel * ((kernel + 3) / 4) * 4 }
}

/// A K × K depth-wise convolution whose taps are computed from the mean of its input, then ReLU:
/// mean over positions as int16 → product → ReLU as int16 → product to the taps in float32, which are
/// rounded to int8 for each channel.
///
/// The output may overwrite the input.
public struct DynamicDepthwise: Equatable, Sendable {
  /// K, odd.
  public var kernel: Int
  /// Scale of the input over the number of positions and the scale of the int16 mean.
  public var meanMultiplier: Float
  /// Channels × hidden; the panels' own bias is zero.
  public var squeeze: PackedMatrix
  /// Byte offset of `hidden` float32 biases in units of the int16 hidden values, within ±2¹²⁰; a multiple
  /// of 64.
  public var squeezeBiasOffset: Int
  /// Hidden × taps; a panel for each tap of each block of 16 channels, block after block.
  ///
  /// The panels' own bias is zero.
  public var expand: PackedMatrix
  /// Byte offset of a float32 bias for each of the taps, within ±2¹²⁰; a multiple of 64.
  public var expandBiasOffset: Int
  /// Byte offset of the channels' float32 biases, padded to blocks of 16; a multiple of 64.
  public var biasOffset: Int

  /// A dynamic depth-wise step.
  public init(
    kernel: Int, meanMultiplier: Float, squeeze: PackedMatrix, squeezeBiasOffset: Int,
    expand: PackedMatrix, expandBiasOffset: Int, biasOffset: Int
  ) {
    self.kernel = kernel
    self.meanMultiplier = meanMultiplier
    self.squeeze = squeeze
    self.squeezeBiasOffset = squeezeBiasOffset
    self.expand = expand
    self.expandBiasOffset = expandBiasOffset
    self.biasOffset = biasOffset
  }

  /// The columns of `expand`: taps of all channels, padding channels included.
  public static func columns(kernel: Int, channels: Int) -> Int {
    Shape.blocks(channels) * kernel * kernel * Shape.block
  }
}

/// A K × K depth-wise convolution with taps of each position, computed from the position's channels and
/// shared by groups of channels, then scale, bias and ReLU: product → ReLU as int8 → product to the taps
/// as int16, which exist for some positions at a time.
///
/// The output may overwrite the input.
public struct InhomogeneousDepthwise: Equatable, Sendable {
  /// K, odd.
  public var kernel: Int
  /// Groups of neighbouring channels, which divide the channels.
  public var groups: Int
  /// Channels × hidden.
  public var squeeze: PackedMatrix
  /// Hidden × taps in the order of lvt_posconv_args, the place that pads the last pair included.
  public var expand: PackedMatrix
  /// Byte offset of a float32 factor for each channel, padded to blocks of 16; a multiple of 64.
  ///
  /// Scale of the input times that of the group's taps times the channel's own over that of the
  /// output, within ±0.5.
  public var multiplierOffset: Int
  /// Byte offset of the channels' float32 biases in units of the output, within ±2²⁴, padded to blocks of
  /// 16; a multiple of 64.
  public var biasOffset: Int

  /// An inhomogeneous depth-wise step.
  public init(
    kernel: Int, groups: Int, squeeze: PackedMatrix, expand: PackedMatrix, multiplierOffset: Int,
    biasOffset: Int
  ) {
    self.kernel = kernel
    self.groups = groups
    self.squeeze = squeeze
    self.expand = expand
    self.multiplierOffset = multiplierOffset
    self.biasOffset = biasOffset
  }

  /// The columns of `expand`.
  public static func columns(kernel: Int, groups: Int) -> Int {
    (kernel * kernel + 1) / 2 * 2 * groups
  }

  /// The column of a tap, as lvt_posconv_args orders them.
  public static func column(kernel: Int, groups: Int, row: Int, column: Int, group: Int) -> Int {
    let last = kernel - 1
    let tap = column < last ? row * last + column : kernel * last + row
    return (tap / 2 * groups + group) * 2 + tap % 2
  }
}

/// Two products with a table between them and the input added, LayerNorm in front if there is one:
/// the hidden map never exists, only some rows of it.
///
/// The output may overwrite the input.
public struct MLP: Equatable, Sendable {
  /// What the first product reads is normalised by this; the input that is added is not.
  public var norm: LayerNorm?
  /// For an int16 input without LayerNorm.
  public var narrowing: Narrowing?
  /// Channels × hidden.
  public var expand: PackedMatrix
  /// Byte offset of the 256-entry table of the activation, a multiple of 64.
  public var tableOffset: Int
  /// Hidden × channels.
  public var project: PackedMatrix
  /// Scale of the input over that of the output.
  public var residualMultiplier: Float

  /// An MLP step.
  public init(
    norm: LayerNorm? = nil, narrowing: Narrowing? = nil, expand: PackedMatrix, tableOffset: Int,
    project: PackedMatrix, residualMultiplier: Float
  ) {
    self.norm = norm
    self.narrowing = narrowing
    self.expand = expand
    self.tableOffset = tableOffset
    self.project = project
    self.residualMultiplier = residualMultiplier
  }
}

/// 2 × 2 positions side by side as one of 4C channels, LayerNorm, a product to the next stage's
/// width.
///
/// Gathered in the order (0,0) (1,0) (0,1) (1,1) of (row, column). Behind the end of a map of odd extent are
/// zeros, which the LayerNorm sees.
public struct PatchMerge: Equatable, Sendable {
  /// Over 4C channels.
  public var norm: LayerNorm
  /// 4C × channels out.
  public var matrix: PackedMatrix

  /// A patch merge.
  public init(norm: LayerNorm, matrix: PackedMatrix) {
    self.norm = norm
    self.matrix = matrix
  }
}

/// LayerNorm, the mean or the maximum over positions as int16, and a product to float32 logits:
/// `logit = f32(sum) · multiplier + bias`.
public struct Head: Equatable, Sendable {
  /// What becomes of a channel's positions.
  public enum Pooling: UInt32, Sendable {
    case mean = 0
    case maximum = 1
  }

  /// Over the channels.
  public var norm: LayerNorm
  /// What becomes of a channel's positions.
  public var pooling: Pooling
  /// Scale of the normalised map over that of the int16 value; for a mean over the number of positions too.
  public var poolingMultiplier: Float
  /// Channels × classes; the panels' own bias is zero.
  public var matrix: PackedMatrix
  /// Byte offset of `classes` float32 biases, within ±2¹²⁰; a multiple of 64.
  public var biasOffset: Int

  /// A classification head.
  public init(
    norm: LayerNorm, pooling: Pooling, poolingMultiplier: Float, matrix: PackedMatrix,
    biasOffset: Int
  ) {
    self.norm = norm
    self.pooling = pooling
    self.poolingMultiplier = poolingMultiplier
    self.matrix = matrix
    self.biasOffset = biasOffset
  }
}

/// ReLU and LayerNorm over the keys that a query sees, in place of a softmax: one γ and one β for each
/// head.
public struct KeyNorm: Equatable, Sendable {
  /// Byte offset of a float32 γ for each head, within ±2²⁴; a multiple of 64.
  public var gammaOffset: Int
  /// Byte offset of a float32 β for each head, within ±2²⁴; a multiple of 64.
  public var betaOffset: Int
  /// ε divided by the square of the scores' unit.
  public var epsilon: Float

  /// A norm over keys.
  public init(gammaOffset: Int, betaOffset: Int, epsilon: Float) {
    self.gammaOffset = gammaOffset
    self.betaOffset = betaOffset
    self.epsilon = epsilon
  }
}

/// Multi-head attention inside square windows, LayerNorm in front, a product behind, and the input
/// added; one window over the whole map is global attention.
///
/// The output may overwrite the input.
public struct WindowAttention: Equatable, Sendable {
  /// Edge of a window.
  ///
  /// Where the map does not cut into whole windows, what pads it are zeros behind the LayerNorm.
  public var window: Int
  /// How far the windows are shifted, and where padding lies.
  public var shift: WindowShift
  /// Heads, which divide the channels.
  public var heads: Int
  /// Over the channels.
  public var norm: LayerNorm
  /// Channels × 3 · channels: queries, keys, values, each with zero point 0.
  public var qkv: PackedMatrix
  /// Scales of queries and keys and the scores' factor over the scores' unit, which is ln 2 / 1024 for
  /// softmax.
  public var scoreMultiplier: Float
  /// Byte offset of heads × (2 · window − 1)² int32 biases by key minus query, a multiple of 64.
  public var biasOffset: Int?
  /// What makes weights of scores; nil for softmax.
  public var keyNorm: KeyNorm?
  /// Scale of the values over that of their weighted means.
  public var attendedMultiplier: Float
  /// What zero is in the weighted means.
  public var attendedZeroPoint: Int
  /// Channels × channels.
  public var project: PackedMatrix
  /// Scale of the input over that of the output.
  public var residualMultiplier: Float

  /// A window attention.
  public init(
    window: Int, shift: WindowShift, heads: Int, norm: LayerNorm, qkv: PackedMatrix,
    scoreMultiplier: Float, biasOffset: Int?, keyNorm: KeyNorm?, attendedMultiplier: Float,
    attendedZeroPoint: Int, project: PackedMatrix, residualMultiplier: Float
  ) {
    self.window = window
    self.shift = shift
    self.heads = heads
    self.norm = norm
    self.qkv = qkv
    self.scoreMultiplier = scoreMultiplier
    self.biasOffset = biasOffset
    self.keyNorm = keyNorm
    self.attendedMultiplier = attendedMultiplier
    self.attendedZeroPoint = attendedZeroPoint
    self.project = project
    self.residualMultiplier = residualMultiplier
  }

  /// Rows and columns of windows that cover a map.
  public func windows(of map: Shape) -> (rows: Int, columns: Int) {
    let axes = axes(of: map)
    return (axes.rows.covered / window, axes.columns.covered / window)
  }
  /// The rows and columns of a map under the windows.
  public func axes(of map: Shape) -> (rows: WindowAxis, columns: WindowAxis) {
    (
      WindowAxis(extent: map.height, window: window, shift: shift.rows, order: shift.order),
      WindowAxis(extent: map.width, window: window, shift: shift.columns, order: shift.order)
    )
  }
  /// Positions of a window.
  public var tokens: Int { window * window }
  /// Elements of the biases.
  public var biasCount: Int { WindowAttention.biasCount(window: window, heads: heads) }
  /// Elements of the biases of a window.
  public static func biasCount(window: Int, heads: Int) -> Int {
    heads * (2 * window - 1) * (2 * window - 1)
  }
  /// Windows may have this edge; more positions could overflow the sums.
  public static let maximumWindow = 22
  /// Scores and biases of a softmax are in this fraction of a doubling of the weight.
  public static let scoreUnits: Float = 1024
}

/// Multi-head softmax attention among all positions of a map, or of each with its 3 × 3 neighbours at
/// several distances; LayerNorm in front, a product behind, and the input added.
///
/// The output may overwrite the input.
public struct MapAttention: Equatable, Sendable {
  /// Groups of heads of equal size: those of group g attend to neighbours that are g + 1 rows and columns
  /// apart, of which those outside the map are zeros.
  ///
  /// nil: every position attends to all.
  public var dilations: Int?
  /// Heads, which divide the channels.
  public var heads: Int
  /// Over the channels.
  public var norm: LayerNorm
  /// Channels × 3 · channels: queries, keys, values, each with zero point 0.
  public var qkv: PackedMatrix
  /// Scales of queries and keys, the scores' factor, and 1024 · log₂ e.
  public var scoreMultiplier: Float
  /// Scale of the values over that of their weighted means.
  public var attendedMultiplier: Float
  /// What zero is in the weighted means.
  public var attendedZeroPoint: Int
  /// Channels × channels.
  public var project: PackedMatrix
  /// Scale of the input over that of the output.
  public var residualMultiplier: Float

  /// An attention.
  public init(
    dilations: Int?, heads: Int, norm: LayerNorm, qkv: PackedMatrix, scoreMultiplier: Float,
    attendedMultiplier: Float, attendedZeroPoint: Int, project: PackedMatrix,
    residualMultiplier: Float
  ) {
    self.dilations = dilations
    self.heads = heads
    self.norm = norm
    self.qkv = qkv
    self.scoreMultiplier = scoreMultiplier
    self.attendedMultiplier = attendedMultiplier
    self.attendedZeroPoint = attendedZeroPoint
    self.project = project
    self.residualMultiplier = residualMultiplier
  }

  /// Positions that each position of a map attends to.
  public func keys(of map: Shape) -> Int { dilations == nil ? map.positions : 9 }
  /// A map to all positions of which one attends may have so many.
  public static let maximumPositions = 65536
}

/// Attention in which every channel weighs the K × K neighbours of a position for itself; LayerNorm in
/// front, a product behind, and the input added.
///
/// Neighbours outside the map are zeros and take part. Constants of channels are padded with zeros to
/// blocks of 16, their offsets are multiples of 64. The output may overwrite the input.
public struct DepthwiseAttention: Equatable, Sendable {
  /// What makes weights of scores.
  public enum Weighting: Equatable, Sendable {
    /// Offsets of a float32 factor of each channel's products, in 1024ths of a doubling of the weight,
    /// and of one of its weighted means; 0 … 65536.
    case softmax(scoreMultiplierOffset: Int, attendedMultiplierOffset: Int)
    /// Offsets of each channel's γ and β times the scale of its values over that of their weighted
    /// means, within ±2²⁴, and of its ε divided by the square of its scores' unit, at least 2⁻⁴⁰.
    case layerNorm(gammaOffset: Int, betaOffset: Int, epsilonOffset: Int)
  }

  /// K, odd.
  public var kernel: Int
  /// Over the channels.
  public var norm: LayerNorm
  /// Channels × 3 · pitch: queries, keys, values, each with zero point 0 and a scale of its own for
  /// every channel.
  public var qkv: PackedMatrix
  /// Byte offset of K² × pitch int16 biases in the channels' units of scores.
  public var biasOffset: Int
  /// What makes weights of scores.
  public var weighting: Weighting
  /// What zero is in the weighted means.
  public var attendedZeroPoint: Int
  /// Channels × channels.
  public var project: PackedMatrix
  /// Scale of the input over that of the output.
  public var residualMultiplier: Float

  /// An attention.
  public init(
    kernel: Int, norm: LayerNorm, qkv: PackedMatrix, biasOffset: Int, weighting: Weighting,
    attendedZeroPoint: Int, project: PackedMatrix, residualMultiplier: Float
  ) {
    self.kernel = kernel
    self.norm = norm
    self.qkv = qkv
    self.biasOffset = biasOffset
    self.weighting = weighting
    self.attendedZeroPoint = attendedZeroPoint
    self.project = project
    self.residualMultiplier = residualMultiplier
  }
}

/// The unit of execution: what can be kept in cache, not what a training framework calls an operator.
public struct Step: Equatable, Sendable {
  /// What a step computes.
  public enum Operation: Equatable, Sendable {
    /// See ``LVTModel/PatchEmbed``.
    case patchEmbed(PatchEmbed)
    /// See ``LVTModel/Pointwise``.
    case pointwise(Pointwise)
    /// See ``LVTModel/Depthwise``.
    case depthwise(Depthwise)
    /// See ``LVTModel/DynamicDepthwise``.
    case dynamicDepthwise(DynamicDepthwise)
    /// See ``LVTModel/InhomogeneousDepthwise``.
    case inhomogeneousDepthwise(InhomogeneousDepthwise)
    /// See ``LVTModel/MLP``.
    case mlp(MLP)
    /// See ``LVTModel/PatchMerge``.
    case patchMerge(PatchMerge)
    /// See ``LVTModel/Head``.
    case head(Head)
    /// See ``LVTModel/WindowAttention``.
    case windowAttention(WindowAttention)
    /// See ``LVTModel/MapAttention``.
    case mapAttention(MapAttention)
    /// See ``LVTModel/DepthwiseAttention``.
    case depthwiseAttention(DepthwiseAttention)
    /// See ``LVTModel/Convolution``.
    case convolution(Convolution)
  }

  /// What the step computes.
  public var operation: Operation
  /// Index of the tensor that is read.
  public var input: Int
  /// Index of the tensor that is written.
  public var output: Int
  /// Where the first thread's scratch starts in the arena; a multiple of 64.
  public var scratchOffset: Int
  /// Scratch for each thread, a multiple of 64.
  public var scratchBytes: Int
  /// Positions of the largest strip, at least 1: so many are worked on at a time, that what lies between
  /// a strip's products stays in a cache.
  ///
  /// No result depends on it. Steps that work row by row have no strips.
  public var stripRows: Int

  /// A step with its scratch placed.
  public init(
    operation: Operation, input: Int, output: Int, scratchOffset: Int, scratchBytes: Int,
    stripRows: Int
  ) {
    self.operation = operation
    self.input = input
    self.output = output
    self.scratchOffset = scratchOffset
    self.scratchBytes = scratchBytes
    self.stripRows = stripRows
  }
}

extension Step.Operation {
  /// The operation's name in tables.
  public var name: String {
    switch self {
    case .patchEmbed: "patchEmbed"
    case .pointwise: "pointwise"
    case .depthwise: "depthwise"
    case .dynamicDepthwise: "dynamicDepthwise"
    case .inhomogeneousDepthwise: "inhomogeneousDepthwise"
    case .mlp: "mlp"
    case .patchMerge: "patchMerge"
    case .head: "head"
    case .windowAttention: "windowAttention"
    case .mapAttention(let s): s.dilations == nil ? "globalAttention" : "dilatedAttention"
    case .depthwiseAttention: "depthwiseAttention"
    case .convolution: "convolution"
    }
  }
}
