// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVTModel

/// A network as steps with packed constants, before its memory is laid out.
struct LoweredNetwork {
  var steps: [Step]
  /// Of each value: what it is, and how its range was found.
  var tensors: [Tensor]
  var outputs: [PlanOutput]
  var constants: [UInt8]
  var choices: [Point: RangeChoice]
}

/// Turns each float layer into a step: chooses ranges, quantizes weights, packs them.
struct Lowering {
  let network: Network
  let statistics: [Point: Statistics]
  private let schedule: Schedule
  var constants = ConstantsBuilder()
  private var choices: [Point: RangeChoice] = [:]
  /// What was chosen here and in lowerings of the same network before.
  private(set) var memo: ChoiceMemo
  /// The quantization of each value so far.
  private var quantizations: [Quantization] = []
  /// Whether a value is int16.
  private let isWide: [Bool]

  /// - Parameter wideStages: Stages whose residual stream is int16.
  init(
    _ network: Network, _ statistics: [Point: Statistics], wideStages: Set<Int> = [],
    schedule: Schedule = Schedule(), memo: ChoiceMemo = ChoiceMemo()
  ) {
    self.schedule = schedule
    self.memo = memo
    self.network = network
    self.statistics = statistics
    isWide = network.residualStages.map { $0.map { wideStages.contains($0) } ?? false }
  }

  mutating func lower() -> LoweredNetwork {
    // A pixel byte p is the int8 p − 128; mean and deviation go into the first weights.
    quantizations = [Quantization(scale: 1, zeroPoint: -128)]
    var steps: [Step] = []
    for i in network.layers.indices {
      let operation = lower(i)
      var inputs = [i]
      if case .pointwise(_, _, let residual?) = network.layers[i].operation {
        inputs.append(residual)
      }
      var step = Step(operation, inputs: inputs, output: i + 1)
      step.stripRows = schedule.stripRows(
        operation, positions: network.shape(ofValue: i + 1).positions)
      steps.append(step)
    }
    let last = network.layers.count
    let tensors = (0...last).map { value in
      Tensor(
        shape: network.shape(ofValue: value),
        type: value == 0
          ? .pictureRGB : value == last ? .float32 : isWide[value] ? .int16 : .int8,
        quantization: quantizations[value], buffer: 0)
    }
    return LoweredNetwork(
      steps: steps, tensors: tensors,
      outputs: [PlanOutput(name: "classes", kind: .classes, tensor: last)],
      constants: constants.bytes, choices: choices)
  }

  // MARK: Layers

  private mutating func lower(_ i: Int) -> Step.Operation {
    let input = quantizations[i]
    switch network.layers[i].operation {
    case .patchEmbed(let patch, let matrix, let norm):
      return .patchEmbed(lowerPatchEmbed(i, patch, matrix, norm, input))

    case .pointwise(let matrix, let relu, let residual):
      let (source, narrowing) = reading(i)
      let quantized = QuantizedMatrix(
        matrix, inputScale: source.scale, means: means(ofValue: i))
      let output = output(
        i, leastScale: quantized.leastOutputScale,
        adding: residual.map { quantizations[$0] })
      var step = Pointwise()
      step.narrowing = narrowing
      step.matrix = pack(quantized, source, output, relu: relu)
      step.residualMultiplier = residual.map { quantizations[$0].scale / output.scale }
      return .pointwise(step)

    case .depthwise(let filter, let residual):
      return .depthwise(lowerDepthwise(i, filter, residual: residual, input))

    case .dynamicDepthwise(let filter):
      return .dynamicDepthwise(lowerDynamicDepthwise(i, filter, input))

    case .inhomogeneousDepthwise(let filter):
      return .inhomogeneousDepthwise(lowerInhomogeneousDepthwise(i, filter, input))

    case .mlp(let norm, let expand, let project):
      return .mlp(lowerMLP(i, norm, expand, project, input))

    case .patchMerge(let norm, let matrix):
      let normalized = choose(.normalized(i))
      let quantized = QuantizedMatrix(
        matrix, inputScale: normalized.scale, means: means(.normalized(i)))
      let output = output(i, leastScale: quantized.leastOutputScale)
      var step = PatchMerge()
      step.norm = append(norm, inputScale: input.scale, output: normalized)
      step.matrix = pack(quantized, normalized, output, relu: false)
      return .patchMerge(step)

    case .head(let norm, let pooling, let matrix):
      return .head(lowerHead(i, norm, pooling, matrix, input))

    case .attention(let attention):
      if case .neighbours(let kernel, let bias) = attention.reach {
        return .depthwiseAttention(lowerDepthwiseAttention(i, attention, kernel, bias, input))
      }
      return lowerAttention(i, attention, input)

    case .convolution(let convolution):
      return .convolution(lowerConvolution(i, convolution, input))
    }
  }

  private mutating func lowerPatchEmbed(
    _ i: Int, _ patch: Int, _ matrix: FloatMatrix, _ norm: FloatNorm, _ input: Quantization
  ) -> PatchEmbed {
    let folded = onBytes(matrix)
    // A pixel's mean, in grey levels, is near enough to the colour's for the bias correction.
    let means = (0..<matrix.inputs).map { Double(network.mean[$0 % 3]) * 255 }
    let quantized = QuantizedMatrix(folded, inputScale: input.scale, means: means)

    // int16 sums: room for values twice as large as any that calibration saw.
    let largest = statistics[.sums(i)].map { max(-$0.low, $0.high) } ?? 1
    let sumScale = ScaleLimits.scale(max(2 * largest / 32767, quantized.leastOutputScale))
    let packed = constants.append(
      quantized, multipliers: quantized.multipliers(outputScale: sumScale),
      inputZeroPoint: input.zeroPoint, outputZeroPoint: 0, lowerBound: -128)
    let output = output(i)
    var step = PatchEmbed()
    step.patch = patch
    step.matrix = packed
    step.norm = append(norm, inputScale: sumScale, output: output)
    return step
  }

  /// The matrix on pixels of 0 … 255 instead of normalised ones.
  private func onBytes(_ matrix: FloatMatrix) -> FloatMatrix {
    var folded = matrix
    for o in 0..<matrix.outputs {
      var shift = 0.0
      for k in 0..<matrix.inputs {
        let w = matrix.weights[o * matrix.inputs + k]
        shift += Double(w) * Double(network.mean[k % 3]) / Double(network.deviation[k % 3])
      }
      folded.bias[o] -= Float(shift)
    }
    folded.scaleInputs((0..<matrix.inputs).map { 1 / (255 * network.deviation[$0 % 3]) })
    return folded
  }

  /// A fourth input for each tap of a matrix on pixels, `outsideValue` where the tap is outside the picture:
  /// its weight makes up what the nearest whole colour is off the mean.
  private func withOutside(_ matrix: FloatMatrix, nearest: [Float]) -> FloatMatrix {
    var weights: [Float] = []
    for start in stride(from: 0, to: matrix.weights.count, by: 3) {
      let colours = matrix.weights[start..<start + 3]
      let off = zip(colours, zip(network.mean, nearest)).reduce(Float(0)) {
        $0 + $1.0 * (255 * $1.1.0 - $1.1.1)
      }
      weights += colours + [off / Self.outsideValue]
    }
    return FloatMatrix(
      inputs: matrix.inputs / 3 * Convolution.pictureChannels, outputs: matrix.outputs,
      weights: weights, bias: matrix.bias)
  }

  /// Two of a weight's steps make up for three colours that are half a grey level off, three at most.
  private static let outsideValue: Float = 2

  private mutating func lowerConvolution(
    _ i: Int, _ convolution: FloatConvolution, _ input: Quantization
  ) -> Convolution {
    let taps = convolution.kernel * convolution.kernel
    var matrix = convolution.matrix
    var means = [[Double]](repeating: means(ofValue: i), count: taps).flatMap { $0 }
    var outside: SIMD4<Int8>?
    if i == 0 {
      let nearest = network.mean.map { max(0, min(255, (255 * $0).rounded())) }
      matrix = withOutside(onBytes(matrix), nearest: nearest)
      means = [[Double]](repeating: network.mean.map { Double(255 * $0) } + [0], count: taps)
        .flatMap { $0 }
      outside = SIMD4((nearest + [Self.outsideValue]).map { Int8(Int($0) - 128) })
    }
    let quantized = QuantizedMatrix(matrix, inputScale: input.scale, means: means)
    guard convolution.gelu else {
      let output = output(i, leastScale: quantized.leastOutputScale)
      var step = Convolution()
      step.kernel = convolution.kernel
      step.stride = convolution.stride
      step.outside = outside
      step.matrix = pack(quantized, input, output, relu: false)
      step.tableOffset = nil
      return step
    }
    let hidden = choose(.hidden(i), leastScale: quantized.leastOutputScale, transform: gelu)
    let output = output(i)
    var step = Convolution()
    step.kernel = convolution.kernel
    step.stride = convolution.stride
    step.outside = outside
    step.matrix = pack(quantized, input, hidden, relu: false)
    step.tableOffset = constants.append(table: geluTable(hidden, output))
    return step
  }

  private func geluTable(_ hidden: Quantization, _ activated: Quantization) -> [Int8] {
    (-128...127).map { q in
      activated.quantized(gelu(hidden.scale * Float(q - hidden.zeroPoint)))
    }
  }

  private mutating func lowerDepthwise(
    _ i: Int, _ filter: FloatFilter, residual: Bool, _ input: Quantization
  ) -> Depthwise {
    // As a matrix whose outputs are channels and whose inputs are taps, rows padded to groups of 4.
    let kernel = filter.kernel, padded = (kernel + 3) / 4 * 4
    let taps = Depthwise.paddedTaps(kernel)
    var weights = [Float](repeating: 0, count: filter.channels * taps)
    for c in 0..<filter.channels {
      for y in 0..<kernel {
        for x in 0..<kernel {
          weights[c * taps + y * padded + x] =
            filter.weights[(y * kernel + x) * filter.channels + c]
        }
      }
    }
    let matrix = FloatMatrix(
      inputs: taps, outputs: filter.channels, weights: weights, bias: filter.bias)
    // Each channel has its own input mean, the same for all its taps but at the border.
    let means = means(ofValue: i)
    let quantized = QuantizedMatrix(matrix, inputScale: input.scale, meansOfOutputs: means)
    let output = output(
      i, leastScale: quantized.leastOutputScale, adding: residual ? input : nil)
    var step = Depthwise()
    step.kernel = kernel
    step.filter = pack(quantized, input, output, relu: !residual)
    step.residualMultiplier = residual ? input.scale / output.scale : nil
    return step
  }

  private mutating func lowerDynamicDepthwise(
    _ i: Int, _ filter: FloatDynamicFilter, _ input: Quantization
  ) -> DynamicDepthwise {
    let mean = mean(i, of: input)
    let squeeze = WideMatrix(filter.squeeze, inputScale: mean.scale, means: means(.pooled(i)))
    let hiddenScale = wideScale(.hidden(i), least: squeeze.matrix.leastOutputScale)
    let expand = WideMatrix(
      filter.expandByBlocks, inputScale: hiddenScale, means: means(.hidden(i)))
    // Room for taps twice as large as any that calibration saw before multipliers reach their limit; but not
    // for those of channels whose input is nothing in int8.
    let largest = zip(
      statistics[.taps(i)]?.magnitudes ?? [], statistics[.output(i - 1)]?.magnitudes ?? []
    ).reduce(Float(0)) { $1.1 < input.scale / 2 ? $0 : max($0, $1.0) }
    _ = output(i, leastScale: 2 * input.scale * 2 * largest / 127)
    var step = DynamicDepthwise()
    step.kernel = filter.kernel
    step.meanMultiplier = mean.multiplier
    step.squeeze = pack(squeeze, outputScale: hiddenScale)
    step.squeezeBiasOffset = constants.append(
      squeeze.bias.map { ScaleLimits.finite($0 / hiddenScale) })
    step.expand = pack(expand, outputScale: 1)
    step.expandBiasOffset = constants.append(expand.bias)
    step.biasOffset = constants.append(filter.bias)
    return step
  }

  private mutating func lowerInhomogeneousDepthwise(
    _ i: Int, _ filter: FloatInhomogeneousFilter, _ input: Quantization
  ) -> InhomogeneousDepthwise {
    let squeeze = QuantizedMatrix(
      filter.squeeze, inputScale: input.scale, means: means(ofValue: i))
    let hidden = choose(.hidden(i), leastScale: squeeze.leastOutputScale)
    let expand = QuantizedMatrix(
      filter.expandByPairs, inputScale: hidden.scale, means: means(.hidden(i)))
    // A scale for each group: a channel's factor knows its group, so that costs nothing.
    let area = filter.kernel * filter.kernel
    let largest = statistics[.taps(i)]?.magnitudes ?? []
    let columnGroups = (0..<expand.outputs).map { $0 / 2 % filter.groups }
    var tapScales = (0..<filter.groups).map {
      2 * (largest[$0 * area..<($0 + 1) * area].max() ?? 1) / 32767
    }
    for (column, group) in columnGroups.enumerated() {
      tapScales[group] = ScaleLimits.scale(
        max(tapScales[group], expand.leastOutputScale(of: column..<column + 1)))
    }
    let factors = filter.scale.enumerated().map { c, scale in
      input.scale * tapScales[filter.group(of: c)] * scale
    }
    let output = output(i, leastScale: 2 * (factors.map(\.magnitude).max() ?? 0))
    var step = InhomogeneousDepthwise()
    step.kernel = filter.kernel
    step.groups = filter.groups
    step.squeeze = pack(squeeze, input, hidden, relu: true)
    step.expand = constants.append(
      expand, multipliers: expand.multipliers(outputScales: columnGroups.map { tapScales[$0] }),
      inputZeroPoint: hidden.zeroPoint, outputZeroPoint: 0, lowerBound: -128)
    step.multiplierOffset = constants.append(factors.map { $0 / output.scale })
    step.biasOffset = constants.append(
      filter.bias.map { Self.limited($0 / output.scale) })
    return step
  }

  private mutating func lowerMLP(
    _ i: Int, _ norm: FloatNorm?, _ expand: FloatMatrix, _ project: FloatMatrix,
    _ input: Quantization
  ) -> MLP {
    let (source, narrowing) = norm == nil ? reading(i) : (choose(.normalized(i)), nil)
    let first = QuantizedMatrix(
      expand, inputScale: source.scale,
      means: norm == nil ? means(ofValue: i) : means(.normalized(i)))
    let hidden = choose(.hidden(i), leastScale: first.leastOutputScale, transform: gelu)
    let activated = choose(.activated(i))
    let second = QuantizedMatrix(
      project, inputScale: activated.scale, means: means(.activated(i)))
    let output = output(i, leastScale: second.leastOutputScale, adding: input)
    var step = MLP()
    step.norm = norm.map { append($0, inputScale: input.scale, output: source) }
    step.narrowing = narrowing
    step.expand = pack(first, source, hidden, relu: false)
    step.tableOffset = constants.append(table: geluTable(hidden, activated))
    step.project = pack(second, activated, output, relu: false)
    step.residualMultiplier = input.scale / output.scale
    return step
  }

  private mutating func lowerHead(
    _ i: Int, _ norm: FloatNorm, _ pooling: Head.Pooling, _ matrix: FloatMatrix,
    _ input: Quantization
  ) -> Head {
    let normalized = choose(.normalized(i))
    let pooled = pooling == .mean ? mean(i, of: normalized) : maximum(i, of: normalized)
    let logits = WideMatrix(matrix, inputScale: pooled.scale, means: means(.pooled(i)))
    quantizations.append(Quantization(scale: 1, zeroPoint: 0))
    var classifier = Head.Classifier()
    var step = Head()
    step.norm = append(norm, inputScale: input.scale, output: normalized)
    step.pooling = pooling
    step.poolingMultiplier = pooled.multiplier
    classifier.matrix = pack(logits, outputScale: 1)
    classifier.biasOffset = constants.append(logits.bias)
    step.classifier = classifier
    return step
  }

  // MARK: Pieces

  /// A factor or a bias in units of the output, within what a plan may hold and beyond all that rounds to
  /// int8 or int16.
  static func limited(_ value: Float) -> Float { max(-0x1p24, min(0x1p24, value)) }

  /// ε for integers that stand for multiples of `unit`, within what a plan may hold.
  static func epsilon(_ epsilon: Float, unit: Float) -> Float {
    max(0x1p-40, min(.greatestFiniteMagnitude, epsilon / (unit * unit)))
  }

  /// The quantization of what layer `i` makes: int16 with room for twice what calibration saw, or the
  /// best int8 one.
  ///
  /// - Parameter residual: What is added to it; one step of its integers may be at most 2¹⁴ of the output's.
  mutating func output(
    _ i: Int, leastScale: Float = 0, adding residual: Quantization? = nil
  ) -> Quantization {
    let leastScale = max(leastScale, (residual?.scale ?? 0) * 0x1p-14)
    let output =
      isWide[i + 1]
      ? Quantization(scale: wideScale(.output(i), least: leastScale), zeroPoint: 0)
      : choose(.output(i), leastScale: leastScale)
    quantizations.append(output)
    return output
  }

  /// How an int8 product reads the input of layer `i`.
  private mutating func reading(_ i: Int) -> (Quantization, Narrowing?) {
    let held = quantizations[i]
    guard isWide[i] else { return (held, nil) }
    let source = choose(.output(i - 1), leastScale: held.scale * 0x1p-14)
    var narrowing = Narrowing()
    narrowing.multiplier = held.scale / source.scale
    narrowing.zeroPoint = source.zeroPoint
    return (source, narrowing)
  }

  /// The quantization of a point, remembered for the report.
  mutating func choose(
    _ point: Point, leastScale: Float = 0, symmetric: Bool = false,
    transform: @escaping (Float) -> Float = { $0 }
  ) -> Quantization {
    guard let known = statistics[point] else { preconditionFailure("\(point) was not observed") }
    let choice = memo.choice(point, leastScale: leastScale) {
      RangeChooser(known, symmetric: symmetric, transform: transform)
        .choose(leastScale: leastScale)
    }
    choices[point] = choice
    return choice.quantization
  }

  /// The scale of an int16 value: room for twice what calibration saw.
  private func wideScale(_ point: Point, least: Float) -> Float {
    let largest = statistics[point].map { max(-$0.low, $0.high) } ?? 1
    return ScaleLimits.scale(max(2 * largest / 32639, least))
  }

  /// The int16 mean over the positions of layer `i`'s input, or of `map`, which has as many: its
  /// scale, no finer than twice what one position's smallest step gives, which keeps the multiplier
  /// at 0.5 or below.
  private func mean(_ i: Int, of map: Quantization) -> (scale: Float, multiplier: Float) {
    let positions = Float(network.shape(ofValue: i).positions)
    let scale = wideScale(.pooled(i), least: 2 * map.scale / positions)
    return (scale, map.scale / positions / scale)
  }

  /// The int16 maximum over the positions of a map.
  private func maximum(_ i: Int, of map: Quantization) -> (scale: Float, multiplier: Float) {
    let scale = wideScale(.pooled(i), least: map.scale / 256)
    return (scale, map.scale / scale)
  }

  private mutating func pack(_ wide: WideMatrix, outputScale: Float) -> PackedMatrix {
    constants.append(
      wide.matrix, multipliers: wide.matrix.multipliers(outputScale: outputScale),
      inputZeroPoint: 0, outputZeroPoint: 0, lowerBound: -128)
  }

  func means(_ point: Point) -> [Double] { statistics[point]?.means ?? [] }

  private func means(ofValue value: Int) -> [Double] { means(.output(value - 1)) }

  mutating func pack(
    _ matrix: QuantizedMatrix, _ input: Quantization, _ output: Quantization, relu: Bool
  ) -> PackedMatrix {
    constants.append(
      matrix, multipliers: matrix.multipliers(outputScale: output.scale),
      inputZeroPoint: input.zeroPoint, outputZeroPoint: output.zeroPoint,
      lowerBound: relu ? output.zeroPoint : -128)
  }

  mutating func append(
    _ norm: FloatNorm, inputScale: Float, output: Quantization
  ) -> LayerNorm {
    var packed = LayerNorm()
    packed.channels = norm.gamma.count
    packed.gammaOffset = constants.append(norm.gamma.map { Self.limited($0 / output.scale) })
    packed.betaOffset = constants.append(norm.beta.map { Self.limited($0 / output.scale) })
    packed.epsilon = Self.epsilon(norm.epsilon, unit: inputScale)
    packed.outputZeroPoint = output.zeroPoint
    return packed
  }
}

/// GELU: x / 2 · (1 + erf(x / √2)).
func gelu(_ x: Float) -> Float { Float(Double(x) / 2 * (1 + erf(Double(x) / 2.0.squareRoot()))) }
