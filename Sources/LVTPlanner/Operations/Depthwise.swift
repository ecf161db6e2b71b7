// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// A depth-wise filter: K × K taps of each channel.
struct FloatFilter: Sendable {
  /// K, odd.
  let kernel: Int
  let channels: Int
  /// Taps in raster order, each with all channels.
  var weights: [Float]
  /// One value for each channel.
  var bias: [Float]

  func applied(to map: FloatMap, relu: Bool) -> [Float] {
    [Float](unsafeUninitializedCapacity: map.values.count) { out, count in
      lvtf_depthwise(
        map.values, map.shape.height, map.shape.width, channels, kernel, weights, bias,
        relu ? 1 : 0, out.baseAddress)
      count = map.values.count
    }
  }

  /// The neighbourhoods of a sample of positions: of one channel after the other its taps in raster order, rows
  /// of them padded with zeros to groups of four.
  func neighbours(in map: FloatMap) -> [Float] {
    let shape = map.shape, step = InputMoments.sampled(of: shape.positions)
    let count = (shape.positions + step - 1) / step * Depthwise.paddedTaps(kernel) * channels
    return [Float](unsafeUninitializedCapacity: count) { out, initialized in
      lvtf_neighbours(
        map.values, shape.height, shape.width, channels, kernel, step, out.baseAddress)
      initialized = count
    }
  }

  /// Multiplies the taps of each channel, as if its input were divided.
  mutating func scaleInputs(_ factors: [Float]) {
    for i in weights.indices { weights[i] *= factors[i % channels] }
  }

  /// Multiplies the taps and the bias of each channel.
  mutating func scaleOutputs(_ factors: [Float]) {
    scaleInputs(factors)
    for c in bias.indices { bias[c] *= factors[c] }
  }
}

/// A depth-wise convolution, then ReLU, or plus its input.
struct FloatDepthwise: FloatOperation {
  /// What follows a filter.
  enum Ending: Sendable {
    case none, relu, addedInput
  }

  var filter: FloatFilter
  let ending: Ending
  private var addsInput: Bool { ending == .addedInput }

  var matrices: [FloatMatrix] { [] }
  var parameters: Int { filter.weights.count + filter.bias.count }
  var isOfStreams: Bool { false }
  var addedInput: Int? { addsInput ? 0 : nil }
  // Its taps have a scale for each channel, so that any factors are free.
  var inputEqualization: Float { 1 }

  func macs(to output: Shape) -> Int { output.positions * filter.weights.count }

  func outputShape(of inputs: [Shape]) -> Shape? {
    inputs.count == 1 && inputs[0].channels == filter.channels ? inputs[0] : nil
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let taps = Depthwise.paddedTaps(filter.kernel)
    observe(
      .neighbours(taps: taps), filter.neighbours(in: inputs[0]), taps * filter.channels)
    var result = filter.applied(to: inputs[0], relu: ending == .relu)
    if addsInput { lvtf_add(&result, inputs[0].values, result.count) }
    return result
  }

  mutating func scaleOutputs(_ factors: [Float]) -> Bool {
    guard !addsInput else { return false }
    filter.scaleOutputs(factors)
    return true
  }

  mutating func scaleInputs(_ factors: [Float]) -> Bool {
    guard !addsInput else { return false }
    filter.scaleInputs(factors)
    return true
  }

  mutating func subtractFromBias(_ shift: [Float]) -> Bool {
    guard ending != .relu else { return false }
    for c in shift.indices { filter.bias[c] -= shift[c] }
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    // As a matrix whose outputs are channels and whose inputs are taps, rows padded to groups of 4.
    let kernel = filter.kernel, padded = (kernel + 3) / 4 * 4
    let taps = Depthwise.paddedTaps(kernel)
    var weights = [Float](repeating: 0, count: filter.channels * taps)
    for channel in 0..<filter.channels {
      for y in 0..<kernel {
        for x in 0..<kernel {
          weights[channel * taps + y * padded + x] =
            filter.weights[(y * kernel + x) * filter.channels + channel]
        }
      }
    }
    let matrix = FloatMatrix(
      inputs: taps, outputs: filter.channels, weights: weights, bias: filter.bias)
    let quantized = c.quantized(matrix, .neighbours(taps: taps), inputScale: c.input.scale)
    let output = c.output(
      leastScale: quantized.leastOutputScale, adding: addsInput ? c.input : nil)
    var step = Depthwise()
    step.kernel = kernel
    step.filter = c.pack(quantized, c.input, output, relu: ending == .relu)
    step.residualMultiplier = addsInput ? c.input.scale / output.scale : nil
    return .depthwise(step)
  }
}
