// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// A depth-wise convolution with taps computed from the mean of what it filters, taps =
/// expand(ReLU(squeeze(mean))), then ReLU.
struct FloatDynamicFilter: FloatOperation {
  /// K, odd.
  let kernel: Int
  let channels: Int
  /// Channels → hidden.
  var squeeze: FloatMatrix
  /// Hidden → taps: the K × K taps of channel 0 in raster order, then those of channel 1.
  var expand: FloatMatrix
  /// One value for each channel.
  var bias: [Float]

  var matrices: [FloatMatrix] { [squeeze, expand] }
  var parameters: Int { squeeze.parameters + expand.parameters + bias.count }
  var isOfStreams: Bool { false }

  func macs(to output: Shape) -> Int {
    output.positions * channels * kernel * kernel + squeeze.weights.count + expand.weights.count
  }

  func outputShape(of inputs: [Shape]) -> Shape? {
    inputs.count == 1 && inputs[0].channels == channels ? inputs[0] : nil
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let mean = columnMeans(inputs[0].values, channels: channels)
    observe(.pooled, mean, channels)
    observe(.product(0), mean, channels)
    let hidden = squeeze.applied(to: mean, rows: 1, relu: true)
    observe(.hidden, hidden, squeeze.outputs)
    observe(.product(1), hidden, expand.inputs)
    let filter = filter(expand.applied(to: hidden, rows: 1))
    observe(.taps, filter.weights, channels)
    return filter.applied(to: inputs[0], relu: true)
  }

  /// The filter of one picture; `taps` has those of one channel after the other.
  private func filter(_ taps: [Float]) -> FloatFilter {
    let count = kernel * kernel
    var weights = taps
    for c in 0..<channels {
      for tap in 0..<count { weights[tap * channels + c] = taps[c * count + tap] }
    }
    return FloatFilter(kernel: kernel, channels: channels, weights: weights, bias: bias)
  }

  // The factors also meet the weights of the product that computes the taps, which share a scale: only in
  // part, as ``inputEqualization`` has it.
  mutating func scaleInputs(_ factors: [Float]) -> Bool {
    squeeze.scaleInputs(factors)
    scaleTaps(factors)
    return true
  }

  @discardableResult
  mutating func scaleOutputs(_ factors: [Float]) -> Bool {
    scaleTaps(factors)
    for c in bias.indices { bias[c] *= factors[c] }
    return true
  }

  private mutating func scaleTaps(_ factors: [Float]) {
    let taps = kernel * kernel
    expand.scaleOutputs((0..<channels * taps).map { factors[$0 / taps] })
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    let input = c.input, mean = c.mean(of: input)
    let squeeze = c.wide(squeeze, inputScale: mean.scale)
    let hiddenScale = c.wideScale(.hidden, least: squeeze.matrix.leastOutputScale)
    let expand = c.wide(expandByBlocks, 1, inputScale: hiddenScale)
    // Room for taps twice as large as any that calibration saw before multipliers reach their limit; but not
    // for those of channels whose input is nothing in int8.
    let largest = zip(
      c.statistics(.taps)?.magnitudes ?? [], c.inputStatistics?.magnitudes ?? []
    ).reduce(Float(0)) { $1.1 < input.scale / 2 ? $0 : max($0, $1.0) }
    _ = c.output(leastScale: 2 * input.scale * 2 * largest / 127)
    var step = DynamicDepthwise()
    step.kernel = kernel
    step.meanMultiplier = mean.multiplier
    step.squeeze = c.pack(squeeze, outputScale: hiddenScale)
    step.squeezeBiasOffset = c.constants.append(
      squeeze.bias.map { ScaleLimits.finite($0 / hiddenScale) })
    step.expand = c.pack(expand, outputScale: 1)
    step.expandBiasOffset = c.constants.append(expand.bias)
    step.biasOffset = c.constants.append(bias)
    return .dynamicDepthwise(step)
  }
}

/// The mean of each channel over the positions.
func columnMeans(_ values: [Float], channels: Int) -> [Float] {
  var sums = [Double](repeating: 0, count: channels)
  lvtf_add_channels_f32(values, values.count / channels, channels, &sums)
  return sums.map { Float($0 / Double(values.count / channels)) }
}
