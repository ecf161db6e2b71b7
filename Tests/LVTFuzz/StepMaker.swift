// SPDX-License-Identifier: Apache-2.0
import LVTModel

/// A step and the map that it makes.
struct MadeStep {
  let operation: Step.Operation
  let shape: Shape
  let type: ElementType
  /// Whether the output may have the input's buffer.
  var mayOverwrite = true
}

/// Makes steps that read a map.
struct StepMaker {
  private let constants: ConstantMaker
  private let input: Tensor
  /// The index of the map.
  private let tensor: Int

  init(_ constants: ConstantMaker, input: Tensor, tensor: Int = 0) {
    self.constants = constants
    self.input = input
    self.tensor = tensor
  }

  /// A step, or nil where what was drawn does not fit.
  typealias Make = @Sendable (StepMaker) -> () -> MadeStep?

  /// Those that read int8 and int16.
  static let ofWideMaps: [Make] = [
    pointwise, mlp, patchMerge, windowAttention, windowAttention, mapAttention, mapAttention,
    depthwiseAttention,
  ]
  /// Those that read int8.
  static let ofMaps: [Make] =
    ofWideMaps + [depthwise, dynamicDepthwise, inhomogeneousDepthwise, mapConvolution]

  // MARK: What is drawn

  private var entropy: Entropy { constants.entropy }
  private var shape: Shape { input.shape }
  private var channels: Int { input.shape.channels }

  static func channels(_ entropy: Entropy) -> Int {
    entropy.element(of: [
      1, 2, 3, 8, 15, 16, 17, 24, 31, 32, 33, 48, entropy.integer(in: 1...50),
    ])
  }

  private func otherChannels() -> Int { Self.channels(entropy) }
  private func stream() -> ElementType { entropy.element(of: [.int8, .int16]) }
  private func kernel() -> Int { entropy.element(of: [1, 3, 5, 7, 9, 11, 13, 15]) }
  private func divisor(of count: Int) -> Int {
    entropy.element(of: (1...count).filter { count.isMultiple(of: $0) })
  }
  private func residual() -> Float { constants.factor(upTo: 16384) }
  private func score() -> Float { constants.factor(upTo: 65536) }

  private func narrowing() -> Narrowing? {
    input.type == .int16
      ? Narrowing(multiplier: constants.factor(upTo: 16384), zeroPoint: constants.zeroPoint()) : nil
  }

  private func norm(_ channels: Int) -> LayerNorm {
    constants.norm(channels, zeroPoint: constants.zeroPoint())
  }

  // MARK: First and last

  func patchEmbed(_ patch: Int, _ output: Shape) -> MadeStep {
    let type = stream()
    let step = PatchEmbed(
      patch: patch, matrix: constants.matrix(3 * patch * patch, output.channels),
      norm: constants.norm(
        output.channels, zeroPoint: type == .int16 ? 0 : constants.zeroPoint()))
    return MadeStep(operation: .patchEmbed(step), shape: output, type: type, mayOverwrite: false)
  }

  func head() -> MadeStep {
    let classes = otherChannels(), pooling: Head.Pooling = entropy.flag() ? .mean : .maximum
    let step = Head(
      norm: norm(channels), pooling: pooling,
      poolingMultiplier: constants.factor(upTo: pooling == .mean ? 0.5 : 16384),
      matrix: constants.matrix(channels, classes, multiplier: 0x1p80),
      biasOffset: constants.biases(classes))
    return MadeStep(
      operation: .head(step), shape: Shape(height: 1, width: 1, channels: classes), type: .float32,
      mayOverwrite: false)
  }

  // MARK: Products

  private func pointwise() -> MadeStep? {
    let type = stream(), count = otherChannels()
    let isResidual = count == channels && type == input.type && entropy.flag()
    let step = Pointwise(
      narrowing: narrowing(), matrix: constants.matrix(channels, count),
      residual: isResidual ? tensor : nil, residualMultiplier: isResidual ? residual() : 0)
    return MadeStep(
      operation: .pointwise(step),
      shape: Shape(height: shape.height, width: shape.width, channels: count), type: type,
      mayOverwrite: false)
  }

  private func mlp() -> MadeStep? {
    let hidden = otherChannels(), norm = entropy.flag() ? norm(channels) : nil
    let step = MLP(
      norm: norm, narrowing: norm == nil ? narrowing() : nil,
      expand: constants.matrix(channels, hidden), tableOffset: constants.table(),
      project: constants.matrix(hidden, channels), residualMultiplier: residual())
    return MadeStep(operation: .mlp(step), shape: shape, type: input.type)
  }

  private func patchMerge() -> MadeStep? {
    let count = otherChannels()
    let step = PatchMerge(
      norm: norm(4 * channels), matrix: constants.matrix(4 * channels, count))
    return MadeStep(
      operation: .patchMerge(step),
      shape: Shape(
        height: (shape.height + 1) / 2, width: (shape.width + 1) / 2, channels: count),
      type: stream(), mayOverwrite: false)
  }

  // MARK: Convolutions

  private func mapConvolution() -> MadeStep? { convolution(ofPicture: false) }

  func convolution(ofPicture isPicture: Bool) -> MadeStep {
    let stride = entropy.element(of: [1, 2, 3, 4, 15]), count = otherChannels()
    let depth = isPicture ? Convolution.pictureChannels : channels
    // Not all of a large kernel's taps are worth their time.
    let kernel = depth > 16 ? entropy.element(of: [1, 3, 5]) : kernel()
    let step = Convolution(
      kernel: kernel, stride: stride, outside: isPicture ? [3, -128, 127, 127] : nil,
      matrix: constants.matrix(kernel * kernel * depth, count),
      tableOffset: entropy.flag() ? constants.table() : nil)
    return MadeStep(
      operation: .convolution(step),
      shape: Shape(
        height: Convolution.edge(shape.height, stride: stride),
        width: Convolution.edge(shape.width, stride: stride), channels: count),
      type: .int8, mayOverwrite: false)
  }

  private func depthwise() -> MadeStep? {
    let kernel = kernel()
    let step = Depthwise(
      kernel: kernel,
      filter: constants.matrix(Depthwise.paddedTaps(kernel), channels, taps: kernel),
      residualMultiplier: entropy.flag() ? residual() : nil)
    return MadeStep(operation: .depthwise(step), shape: shape, type: .int8)
  }

  /// Weights of the products that make taps; more take longer than they are worth.
  private static let mostTapWeights = 1 << 18

  private func dynamicDepthwise() -> MadeStep? {
    let kernel = kernel(), hidden = otherChannels()
    let columns = DynamicDepthwise.columns(kernel: kernel, channels: channels)
    guard columns * hidden <= Self.mostTapWeights else { return nil }
    let step = DynamicDepthwise(
      kernel: kernel, meanMultiplier: constants.factor(upTo: 0.5),
      squeeze: constants.matrix(channels, hidden, multiplier: 0x1p80),
      squeezeBiasOffset: constants.biases(hidden),
      expand: constants.matrix(hidden, columns, multiplier: 0x1p80),
      expandBiasOffset: constants.biases(columns),
      biasOffset: constants.floats(
        shape.pitch, -.greatestFiniteMagnitude ... .greatestFiniteMagnitude))
    return MadeStep(operation: .dynamicDepthwise(step), shape: shape, type: .int8)
  }

  private func inhomogeneousDepthwise() -> MadeStep? {
    let kernel = kernel(), groups = divisor(of: channels), hidden = otherChannels()
    let columns = InhomogeneousDepthwise.columns(kernel: kernel, groups: groups)
    guard columns * hidden <= Self.mostTapWeights else { return nil }
    let step = InhomogeneousDepthwise(
      kernel: kernel, groups: groups, squeeze: constants.matrix(channels, hidden),
      expand: constants.matrix(hidden, columns),
      multiplierOffset: constants.floats(shape.pitch, -0.5...0.5),
      biasOffset: constants.floats(shape.pitch, -0x1p24...0x1p24))
    return MadeStep(operation: .inhomogeneousDepthwise(step), shape: shape, type: .int8)
  }

  // MARK: Attention

  private func windowAttention() -> MadeStep? {
    let window = entropy.element(of: [1, 2, 3, 4, 5, 7, 8, 12, 22])
    let heads = divisor(of: channels)
    let shift = WindowShift(
      rows: entropy.integer(in: 0...window - 1), columns: entropy.integer(in: 0...window - 1),
      order: entropy.element(of: [.padThenRoll, .rollThenPad]))
    let biases =
      entropy.flag()
      ? constants.integers(
        WindowAttention.biasCount(window: window, heads: heads), within: -(1 << 21)...Int32(1 << 21)
      )
      : nil
    let keyNorm =
      entropy.flag()
      ? KeyNorm(
        gammaOffset: constants.floats(heads, -0x1p24...0x1p24),
        betaOffset: constants.floats(heads, -0x1p24...0x1p24), epsilon: constants.epsilon()) : nil
    let step = WindowAttention(
      window: window, shift: shift, heads: heads, norm: norm(channels),
      qkv: constants.matrix(channels, 3 * channels, zeroPoint: 0), scoreMultiplier: score(),
      biasOffset: biases, keyNorm: keyNorm, attendedMultiplier: score(),
      attendedZeroPoint: constants.zeroPoint(), project: constants.matrix(channels, channels),
      residualMultiplier: residual())
    return MadeStep(operation: .windowAttention(step), shape: shape, type: input.type)
  }

  private func mapAttention() -> MadeStep? {
    let heads = divisor(of: channels)
    let step = MapAttention(
      dilations: entropy.flag() ? divisor(of: heads) : nil, heads: heads, norm: norm(channels),
      qkv: constants.matrix(channels, 3 * channels, zeroPoint: 0), scoreMultiplier: score(),
      attendedMultiplier: score(), attendedZeroPoint: constants.zeroPoint(),
      project: constants.matrix(channels, channels), residualMultiplier: residual())
    return MadeStep(operation: .mapAttention(step), shape: shape, type: input.type)
  }

  private func depthwiseAttention() -> MadeStep? {
    let kernel = kernel(), pitch = shape.pitch
    let step = DepthwiseAttention(
      kernel: kernel, norm: norm(channels),
      qkv: constants.matrix(channels, 3 * pitch, zeroPoint: 0),
      biasOffset: constants.integers(kernel * kernel * pitch, within: Int16.min...Int16.max),
      weighting: entropy.flag()
        ? .softmax(
          scoreMultiplierOffset: constants.floats(pitch, 0...65536),
          attendedMultiplierOffset: constants.floats(pitch, 0...65536))
        : .layerNorm(
          gammaOffset: constants.floats(pitch, -0x1p24...0x1p24),
          betaOffset: constants.floats(pitch, -0x1p24...0x1p24),
          epsilonOffset: constants.floats(pitch, 0x1p-40 ... .greatestFiniteMagnitude)),
      attendedZeroPoint: constants.zeroPoint(), project: constants.matrix(channels, channels),
      residualMultiplier: residual())
    return MadeStep(operation: .depthwiseAttention(step), shape: shape, type: input.type)
  }
}
