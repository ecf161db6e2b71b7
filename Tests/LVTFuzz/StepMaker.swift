// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport

/// A step and the map that it makes.
struct MadeStep {
  let operation: Step.Operation
  let shape: Shape
  let type: ElementType
  /// What the map's integers mean; nil for anything.
  var quantization: Quantization?
  /// A tensor that the step adds, and whose buffer the output may have.
  var residual: Int?
  /// Further tensors that the step reads.
  var others: [Int] = []
  /// Whether the output may have the map's buffer.
  var mayOverwrite = true
  /// What the output says, if it can be a result.
  var result: PlanOutput.Kind?
}

/// Makes steps that read a map.
struct StepMaker {
  let constants: ConstantMaker
  let input: Tensor
  private let held: [(index: Int, tensor: Tensor)]

  /// - Parameter held: Tensors that may be read, with their indices.
  init(_ constants: ConstantMaker, input: Tensor, held: [(index: Int, tensor: Tensor)]) {
    self.constants = constants
    self.input = input
    self.held = held
  }

  /// A step, or nil where what was drawn does not fit.
  typealias Make = @Sendable (StepMaker) -> () -> MadeStep?

  /// Those that read int8 and int16.
  static let ofWideMaps: [Make] = [
    pointwise, pointwise, pointwise, mlp, patchMerge, windowAttention, windowAttention,
    mapAttention, mapAttention,
    depthwiseAttention, normalize,
  ]
  /// Those that read int8.
  static let ofMaps: [Make] =
    ofWideMaps + [
      depthwise, dynamicDepthwise, inhomogeneousDepthwise, mapConvolution, joinedConvolution,
      joinedConvolution, adaptiveMean, upsampledSum, padded,
    ]

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
    guard input.type == .int16 else { return nil }
    var narrowing = Narrowing()
    narrowing.multiplier = constants.factor(upTo: 16384)
    narrowing.zeroPoint = constants.zeroPoint()
    return narrowing
  }

  private func norm(_ channels: Int) -> LayerNorm {
    constants.norm(channels, zeroPoint: constants.zeroPoint())
  }

  // MARK: First and last

  func patchEmbed(_ patch: Int, _ output: Shape) -> MadeStep {
    let type = stream()
    var step = PatchEmbed()
    step.patch = patch
    step.matrix = constants.matrix(kernel: patch, channels: 3, output.channels)
    step.norm = constants.norm(
      output.channels, zeroPoint: type == .int16 ? 0 : constants.zeroPoint())
    return MadeStep(operation: .patchEmbed(step), shape: output, type: type, mayOverwrite: false)
  }

  func head() -> MadeStep {
    let hasClasses = entropy.integer(in: 0...3) != 0
    let count = hasClasses ? otherChannels() : channels
    let pooling: Head.Pooling = entropy.flag() ? .mean : .maximum
    var step = Head()
    step.norm = norm(channels)
    step.pooling = pooling
    if hasClasses {
      step.poolingMultiplier = constants.factor(upTo: pooling == .mean ? 0.5 : 16384)
      var classifier = Head.Classifier()
      classifier.matrix = constants.matrix(channels, count, multiplier: 0x1p80)
      classifier.biasOffset = constants.biases(count)
      step.classifier = classifier
    } else {
      step.poolingMultiplier = constants.factor(upTo: 0x1p80)
    }
    return MadeStep(
      operation: .head(step), shape: Shape(height: 1, width: 1, channels: count), type: .float32,
      mayOverwrite: false, result: hasClasses ? .classes : .map)
  }

  /// The class of each pixel, of a map of int16.
  func labelPixels(_ picture: Shape) -> MadeStep? {
    guard input.type == .int16 else { return nil }
    var step = LabelPixels()
    step.extent = Extent(of: picture)
    return MadeStep(
      operation: .labelPixels(step),
      shape: Shape(height: picture.height, width: picture.width, channels: 1), type: .labels,
      mayOverwrite: false, result: .pixelClasses)
  }

  /// Boxes, of a map that stands for one level, or for two.
  func detect(_ picture: Shape, index: Int) -> MadeStep? {
    guard input.type == .int8 else { return nil }
    let kernel = channels > 16 ? entropy.element(of: [1, 3]) : entropy.element(of: [1, 3, 5])
    let levels = entropy.integer(in: 1...2)
    var step = Detect()
    step.picture = Extent(of: picture)
    step.classes = entropy.element(of: [1, 2, 3, 20])
    step.strides = (0..<levels).map { _ in entropy.integer(in: 1...64) }
    step.anchors = (0..<entropy.integer(in: 1...3)).map { _ in
      Detect.Anchor(width: 0.1 + constants.factor(upTo: 60000), height: 4)
    }
    for i in 0..<4 {
      step.coder.deviations[i] = constants.factor(upTo: 65536)
      step.coder.means[i] = -constants.factor(upTo: 65536)
    }
    step.selection.leastLogit = entropy.element(of: [-3, -.greatestFiniteMagnitude, 0, 1e30])
    step.selection.overlap = entropy.element(of: [0, 0.5, 1])
    step.selection.anchorsOfLevel = entropy.element(of: [1, 2, 7, 1000])
    step.selection.boxes = entropy.element(of: [1, 3, 100])
    step.kernel = kernel
    func tower(_ last: Int) -> ([PackedMatrix], PackedMatrix) {
      var tower: [PackedMatrix] = [], width = channels
      for _ in 0..<entropy.integer(in: 0...2) {
        tower.append(
          constants.matrix(kernel: kernel, channels: width, entropy.element(of: [1, 8, 17])))
        width = tower.last?.n ?? width
      }
      return (tower, constants.matrix(kernel: kernel, channels: width, last, multiplier: 65536))
    }
    (step.classTower, step.classOutput) = tower(step.anchors.count * step.classes)
    (step.boxTower, step.boxOutput) = tower(step.anchors.count * 4)
    return MadeStep(
      operation: .detect(step),
      shape: Shape(height: 1, width: step.selection.boxes, channels: Detect.boxValues),
      type: .float32, others: [Int](repeating: index, count: levels - 1), mayOverwrite: false,
      result: .detections)
  }

  // MARK: Products

  private func pointwise() -> MadeStep? {
    // What is added is older than the map where there is such, or the map itself, the last one.
    let residuals = held.filter {
      $0.tensor.shape.height == shape.height && $0.tensor.shape.width == shape.width
        && $0.tensor.type != .pictureRGB
    }
    let older = residuals.dropLast()
    let residual =
      entropy.flag() ? entropy.element(of: older.isEmpty ? residuals : Array(older)) : nil
    let type = residual?.tensor.type ?? stream()
    let count = residual?.tensor.shape.channels ?? otherChannels()
    var step = Pointwise()
    step.narrowing = narrowing()
    step.matrix = constants.matrix(channels, count)
    step.residual = residual == nil ? nil : Pointwise.Residual(multiplier: self.residual())
    return MadeStep(
      operation: .pointwise(step),
      shape: Shape(height: shape.height, width: shape.width, channels: count), type: type,
      residual: residual?.index, mayOverwrite: false)
  }

  private func mlp() -> MadeStep? {
    let hidden = otherChannels(), norm = entropy.flag() ? norm(channels) : nil
    var step = MLP()
    step.norm = norm
    step.narrowing = norm == nil ? narrowing() : nil
    step.expand = constants.matrix(channels, hidden)
    step.tableOffset = constants.table()
    step.project = constants.matrix(hidden, channels)
    step.residualMultiplier = residual()
    return MadeStep(operation: .mlp(step), shape: shape, type: input.type)
  }

  private func patchMerge() -> MadeStep? {
    let count = otherChannels()
    var step = PatchMerge()
    step.norm = norm(4 * channels)
    step.matrix = constants.matrix(4 * channels, count)
    return MadeStep(
      operation: .patchMerge(step),
      shape: Shape(
        height: (shape.height + 1) / 2, width: (shape.width + 1) / 2, channels: count),
      type: stream(), mayOverwrite: false)
  }

  // MARK: Convolutions

  private func mapConvolution() -> MadeStep? { convolution(ofPicture: false) }

  func convolution(ofPicture isPicture: Bool) -> MadeStep {
    let stride = entropy.element(of: [1, 2, 3, 4, 15])
    let count = entropy.flag() ? channels : otherChannels()
    let depth = isPicture ? Convolution.pictureChannels : channels
    // Not all of a large kernel's taps are worth their time.
    let kernel = depth > 16 ? entropy.element(of: [1, 3, 5]) : kernel()
    var step = Convolution()
    step.kernel = kernel
    step.stride = stride
    step.outside = isPicture ? [3, -128, 127, 127] : nil
    step.sources = [.none]
    step.matrix = constants.matrix(kernel: kernel, channels: depth, count)
    step.tableOffset = entropy.flag() ? constants.table() : nil
    return MadeStep(
      operation: .convolution(step),
      shape: Shape(
        height: Convolution.edge(shape.height, stride: stride),
        width: Convolution.edge(shape.width, stride: stride), channels: count),
      type: .int8, mayOverwrite: !isPicture && stride == 1 && count == channels)
  }

  /// Several maps on one grid, and a second product.
  private func joinedConvolution() -> MadeStep? {
    let maps = held.filter { $0.tensor.type == .int8 }
    let count = entropy.integer(in: 1...3)
    var inputs: [(index: Int, tensor: Tensor)] = [], sources: [Resampling] = []
    let grid = Extent(
      height: entropy.integer(in: 1...20), width: entropy.integer(in: 1...20))
    for i in 0..<count {
      let map = i == 0 ? nil : entropy.element(of: maps)
      if let map { inputs.append(map) }
      let shape = map?.tensor.shape ?? shape
      sources.append(
        Extent(of: shape) == grid && entropy.flag()
          ? .none : entropy.element(of: [.nearest, .bilinear]))
    }
    let depth = inputs.reduce(channels) { $0 + $1.tensor.shape.channels }
    let kernel = depth > 16 ? entropy.element(of: [1, 3]) : kernel(), hidden = otherChannels()
    var step = Convolution()
    step.kernel = kernel
    step.stride = entropy.element(of: [1, 1, 2])
    step.sources = sources
    step.extent = grid
    step.matrix = constants.matrix(kernel: kernel, channels: depth, hidden)
    step.tableOffset = entropy.flag() ? constants.table() : nil
    step.project = entropy.flag() ? constants.matrix(hidden, otherChannels()) : nil
    return MadeStep(
      operation: .convolution(step),
      shape: Shape(
        height: Convolution.edge(grid.height, stride: step.stride),
        width: Convolution.edge(grid.width, stride: step.stride),
        channels: (step.project ?? step.matrix).n),
      type: step.tableOffset == nil || step.project != nil ? stream() : .int8,
      others: inputs.map(\.index), mayOverwrite: false)
  }

  /// A product that an upsampled map is added to.
  private func upsampledSum() -> MadeStep? {
    guard let map = held.filter({ $0.tensor.type == .int8 }).last else { return nil }
    var step = Pointwise()
    step.matrix = constants.matrix(channels, map.tensor.shape.channels)
    var sum = Pointwise.Residual(multiplier: residual())
    sum.resampling = entropy.element(of: [.nearest, .bilinear])
    sum.isBehindReLU = entropy.flag()
    step.residual = sum
    return MadeStep(
      operation: .pointwise(step),
      shape: Shape(
        height: shape.height, width: shape.width, channels: map.tensor.shape.channels),
      type: .int8, others: [map.index], mayOverwrite: false)
  }

  /// A product on other extents.
  private func padded() -> MadeStep? {
    let extent = Extent(
      height: entropy.integer(in: 1...20), width: entropy.integer(in: 1...20))
    var step = Pointwise()
    step.matrix = constants.matrix(channels, otherChannels())
    step.extent = extent
    return MadeStep(
      operation: .pointwise(step),
      shape: Shape(height: extent.height, width: extent.width, channels: step.matrix.n),
      type: stream(), mayOverwrite: false)
  }

  private func normalize() -> MadeStep? {
    var step = Normalize()
    step.norm = norm(channels)
    return MadeStep(operation: .normalize(step), shape: shape, type: .int8, mayOverwrite: false)
  }

  private func depthwise() -> MadeStep? {
    let kernel = kernel()
    var step = Depthwise()
    step.kernel = kernel
    step.filter = constants.matrix(
      Depthwise.paddedTaps(kernel), channels, segments: MatrixSegments(filterOf: kernel))
    step.residualMultiplier = entropy.flag() ? residual() : nil
    return MadeStep(operation: .depthwise(step), shape: shape, type: .int8)
  }

  /// Weights of the products that make taps; more take longer than they are worth.
  private static let mostTapWeights = 1 << 18

  private func dynamicDepthwise() -> MadeStep? {
    let kernel = kernel(), hidden = otherChannels()
    let columns = DynamicDepthwise.columns(kernel: kernel, channels: channels)
    guard columns * hidden <= Self.mostTapWeights else { return nil }
    var step = DynamicDepthwise()
    step.kernel = kernel
    step.meanMultiplier = constants.factor(upTo: 0.5)
    step.squeeze = constants.matrix(channels, hidden, multiplier: 0x1p80)
    step.squeezeBiasOffset = constants.biases(hidden)
    step.expand = constants.matrix(hidden, columns, multiplier: 0x1p80)
    step.expandBiasOffset = constants.biases(columns)
    step.biasOffset = constants.floats(
      shape.paddedChannels, -.greatestFiniteMagnitude ... .greatestFiniteMagnitude)
    return MadeStep(operation: .dynamicDepthwise(step), shape: shape, type: .int8)
  }

  private func inhomogeneousDepthwise() -> MadeStep? {
    let kernel = kernel(), groups = divisor(of: channels), hidden = otherChannels()
    let columns = InhomogeneousDepthwise.columns(kernel: kernel, groups: groups)
    guard columns * hidden <= Self.mostTapWeights else { return nil }
    var step = InhomogeneousDepthwise()
    step.kernel = kernel
    step.groups = groups
    step.squeeze = constants.matrix(channels, hidden)
    step.expand = constants.matrix(hidden, columns)
    step.multiplierOffset = constants.floats(shape.paddedChannels, -0.5...0.5)
    step.biasOffset = constants.floats(shape.paddedChannels, -0x1p24...0x1p24)
    return MadeStep(operation: .inhomogeneousDepthwise(step), shape: shape, type: .int8)
  }

  private func adaptiveMean() -> MadeStep? {
    var step = AdaptiveMean()
    step.bins = entropy.element(of: [1, 2, 3, 5, 6])
    step.multiplier = constants.factor(upTo: 16384)
    return MadeStep(
      operation: .adaptiveMean(step),
      shape: Shape(height: step.bins, width: step.bins, channels: channels), type: .int8,
      mayOverwrite: false)
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
    var keyNorm: KeyNorm?
    if entropy.flag() {
      var norm = KeyNorm()
      norm.gammaOffset = constants.floats(heads, -0x1p24...0x1p24)
      norm.betaOffset = constants.floats(heads, -0x1p24...0x1p24)
      norm.epsilon = constants.epsilon()
      keyNorm = norm
    }
    var step = WindowAttention()
    step.window = window
    step.shift = shift
    step.heads = heads
    step.norm = norm(channels)
    step.qkv = constants.matrix(channels, 3 * channels, zeroPoint: 0)
    step.scoreMultiplier = score()
    step.biasOffset = biases
    step.keyNorm = keyNorm
    step.attendedMultiplier = score()
    step.attendedZeroPoint = constants.zeroPoint()
    step.project = constants.matrix(channels, channels)
    step.residualMultiplier = residual()
    return MadeStep(operation: .windowAttention(step), shape: shape, type: input.type)
  }

  private func mapAttention() -> MadeStep? {
    let heads = divisor(of: channels)
    var step = MapAttention()
    step.dilations = entropy.flag() ? divisor(of: heads) : nil
    step.heads = heads
    step.norm = norm(channels)
    step.qkv = constants.matrix(channels, 3 * channels, zeroPoint: 0)
    step.scoreMultiplier = score()
    step.attendedMultiplier = score()
    step.attendedZeroPoint = constants.zeroPoint()
    step.project = constants.matrix(channels, channels)
    step.residualMultiplier = residual()
    return MadeStep(operation: .mapAttention(step), shape: shape, type: input.type)
  }

  private func depthwiseAttention() -> MadeStep? {
    let kernel = kernel(), pitch = shape.paddedChannels
    var step = DepthwiseAttention()
    step.kernel = kernel
    step.norm = norm(channels)
    step.qkv = constants.matrix(channels, 3 * pitch, zeroPoint: 0)
    step.biasOffset = constants.integers(kernel * kernel * pitch, within: Int16.min...Int16.max)
    step.weighting =
      entropy.flag()
      ? .softmax(
        scoreMultiplierOffset: constants.floats(pitch, 0...65536),
        attendedMultiplierOffset: constants.floats(pitch, 0...65536))
      : .layerNorm(
        gammaOffset: constants.floats(pitch, -0x1p24...0x1p24),
        betaOffset: constants.floats(pitch, -0x1p24...0x1p24),
        epsilonOffset: constants.floats(pitch, 0x1p-40 ... .greatestFiniteMagnitude))
    step.attendedZeroPoint = constants.zeroPoint()
    step.project = constants.matrix(channels, channels)
    step.residualMultiplier = residual()
    return MadeStep(operation: .depthwiseAttention(step), shape: shape, type: input.type)
  }
}
