// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// A depth-wise convolution with taps of each position, computed from its channels, taps =
/// expand(ReLU(squeeze(x))); each channel then has a scale and a bias, then ReLU.
struct FloatInhomogeneousFilter: FloatOperation {
  /// K, odd.
  let kernel: Int
  let channels: Int
  /// Groups of neighbouring channels that share taps.
  let groups: Int
  /// Channels → hidden.
  var squeeze: FloatMatrix
  /// Hidden → taps: the K × K taps of group 0 in raster order, then those of group 1.
  var expand: FloatMatrix
  /// One factor for each channel.
  var scale: [Float]
  /// One value for each channel.
  var bias: [Float]

  /// The group of a channel.
  func group(of channel: Int) -> Int { channel / (channels / groups) }

  var matrices: [FloatMatrix] { [squeeze, expand] }
  var parameters: Int { squeeze.parameters + expand.parameters + scale.count + bias.count }
  var isOfStreams: Bool { false }

  func macs(to output: Shape) -> Int {
    output.positions
      * (channels * kernel * kernel + squeeze.weights.count + expand.weights.count)
  }

  func outputShape(of inputs: [Shape]) -> Shape? {
    inputs.count == 1 && inputs[0].channels == channels ? inputs[0] : nil
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let input = inputs[0].values
    observe(.product(0), input, channels)
    let hidden = squeeze.applied(to: input, rows: output.positions, relu: true)
    observe(.hidden, hidden, squeeze.outputs)
    observe(.product(1), hidden, expand.inputs)
    let taps = expand.applied(to: hidden, rows: output.positions)
    observe(.taps, taps, expand.outputs)
    return [Float](unsafeUninitializedCapacity: input.count) { out, count in
      lvtf_inhomogeneous_depthwise(
        input, output.height, output.width, channels, kernel, groups, taps, scale, bias,
        out.baseAddress)
      count = input.count
    }
  }

  mutating func scaleInputs(_ factors: [Float]) -> Bool {
    squeeze.scaleInputs(factors)
    for c in scale.indices { scale[c] *= factors[c] }
    return true
  }

  @discardableResult
  mutating func scaleOutputs(_ factors: [Float]) -> Bool {
    for c in scale.indices {
      scale[c] *= factors[c]
      bias[c] *= factors[c]
    }
    return true
  }

  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {
    guard let hidden = ranges(.hidden) else { return }
    let factors = equalizingFactors(hidden.magnitudes, exponent: 0.5)
    squeeze.scaleOutputs(factors)
    expand.scaleInputs(factors.map { 1 / $0 })
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    let input = c.input
    let squeeze = c.quantized(squeeze, inputScale: input.scale)
    let hidden = c.choose(.hidden, leastScale: squeeze.leastOutputScale)
    let expand = c.quantized(expandByPairs, 1, inputScale: hidden.scale)
    // A scale for each group: a channel's factor knows its group, so that costs nothing.
    let area = kernel * kernel
    let largest = c.statistics(.taps)?.magnitudes ?? []
    let columnGroups = (0..<expand.outputs).map { $0 / 2 % groups }
    var tapScales = (0..<groups).map {
      2 * (largest[$0 * area..<($0 + 1) * area].max() ?? 1) / 32767
    }
    for (column, group) in columnGroups.enumerated() {
      tapScales[group] = ScaleLimits.scale(
        max(tapScales[group], expand.leastOutputScale(of: column..<column + 1)))
    }
    let factors = scale.enumerated().map { channel, scale in
      input.scale * tapScales[group(of: channel)] * scale
    }
    let output = c.output(leastScale: 2 * (factors.map(\.magnitude).max() ?? 0))
    var step = InhomogeneousDepthwise()
    step.kernel = kernel
    step.groups = groups
    step.squeeze = c.pack(squeeze, input, hidden, relu: true)
    step.expand = c.constants.append(
      expand, multipliers: expand.multipliers(outputScales: columnGroups.map { tapScales[$0] }),
      inputZeroPoint: hidden.zeroPoint, outputZeroPoint: 0, lowerBound: -128)
    step.multiplierOffset = c.constants.append(factors.map { $0 / output.scale })
    step.biasOffset = c.constants.append(bias.map { Lowering.limited($0 / output.scale) })
    return .inhomogeneousDepthwise(step)
  }
}
