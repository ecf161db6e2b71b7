// SPDX-License-Identifier: Apache-2.0
internal import Foundation

// A per-tensor scale serves a channel badly whose values are much smaller than another's. Where a ReLU
// lies between two layers, ReLU(f · x) = f · ReLU(x) for f > 0, so a channel can be scaled up before it
// and down after it without changing the network ("cross-layer equalization", Nagel and others,
// arXiv 1906.04721). Depth-wise filters have a scale for each channel, so for them the change costs
// nothing at all: their input is equalized fully. A product that follows shares one scale among the
// inputs of an output, so its inputs are equalized in part. LayerNorm's gamma and beta take a
// factor as freely as a ReLU does.
//
// Attention leaves more freedom. A channel of the queries times f and of the keys over f gives the same
// scores; so does any constant taken off a channel of the keys, as it changes all scores of a query
// alike; and a constant in a channel of the values is the same constant in their weighted means. LayerNorm
// in the softmax's place sees such constants, for ReLU is before it and its weights do not sum to one.
// In a depth-wise attention queries, keys and values have a scale for each channel; only the product
// behind shares one among the channels of their weighted means.

extension Network {
  /// Scales channels between layers so that their ranges are alike; the network computes the same.
  ///
  /// - Parameter ranges: What the channels' values were on the calibration pictures.
  mutating func equalize(_ ranges: [Point: Statistics]) {
    for i in layers.indices {
      switch layers[i].operation {
      case .pointwise(var matrix, relu: true, residual: nil):
        guard i + 1 < layers.count, let statistics = ranges[.output(i)] else { continue }
        // The factors of a filter whose taps are computed also meet the weights of the product that
        // computes them, which share a scale.
        let exponent: Float =
          switch layers[i + 1].operation {
          case .dynamicDepthwise, .inhomogeneousDepthwise: 0.5
          default: 1
          }
        let factors = factors(statistics.magnitudes, exponent: exponent)
        guard let next = layers[i + 1].operation.scaledInputs(factors.map { 1 / $0 }) else {
          continue
        }
        matrix.scaleOutputs(factors)
        layers[i].operation = .pointwise(matrix, relu: true, residual: nil)
        layers[i + 1].operation = next

      case .depthwise(var filter, residual: false):
        guard let factors = scaleProduct(after: i, ranges) else { continue }
        filter.scaleOutputs(factors)
        layers[i].operation = .depthwise(filter, residual: false)

      case .dynamicDepthwise(var filter):
        guard let factors = scaleProduct(after: i, ranges) else { continue }
        filter.scaleOutputs(factors)
        layers[i].operation = .dynamicDepthwise(filter)

      case .inhomogeneousDepthwise(var filter):
        if let factors = scaleProduct(after: i, ranges) { filter.scaleOutputs(factors) }
        if let statistics = ranges[.hidden(i)] {
          let factors = factors(statistics.magnitudes, exponent: 0.5)
          filter.squeeze.scaleOutputs(factors)
          filter.expand.scaleInputs(factors.map { 1 / $0 })
        }
        layers[i].operation = .inhomogeneousDepthwise(filter)

      case .patchMerge(var norm, var matrix):
        guard let statistics = ranges[.normalized(i)] else { continue }
        equalize(&norm, &matrix, statistics)
        layers[i].operation = .patchMerge(norm, matrix)

      case .head(var norm, let pooling, var matrix):
        guard let statistics = ranges[.normalized(i)] else { continue }
        equalize(&norm, &matrix, statistics)
        layers[i].operation = .head(norm, pooling, matrix)

      case .mlp(var norm?, var expand, let project):
        guard let statistics = ranges[.normalized(i)] else { continue }
        equalize(&norm, &expand, statistics)
        layers[i].operation = .mlp(norm: norm, expand: expand, project: project)

      case .attention(var attention):
        guard let normalized = ranges[.normalized(i)], let queries = ranges[.query(i)],
          let keys = ranges[.key(i)], let values = ranges[.value(i)],
          let attended = ranges[.attended(i)]
        else { continue }
        equalize(&attention.norm, &attention.qkv, normalized)
        if case .neighbours = attention.reach {
          attention.equalize(
            values: values, factors: factors(attended.magnitudes, exponent: 0.5))
        } else {
          attention.equalize(queries: queries, keys: keys)
          attention.equalize(
            values: values, factors: factors(attention.reaches(of: values), exponent: 0.5))
        }
        layers[i].operation = .attention(attention)

      case .patchEmbed, .pointwise, .depthwise, .mlp, .convolution:
        continue
      }
    }
  }

  /// Divides the inputs of the product behind a filter by factors, which it returns.
  private mutating func scaleProduct(after i: Int, _ ranges: [Point: Statistics]) -> [Float]? {
    guard i + 1 < layers.count,
      case .pointwise(var matrix, let relu, let residual) = layers[i + 1].operation,
      let statistics = ranges[.output(i)]
    else { return nil }
    let factors = factors(statistics.magnitudes, exponent: 0.5)
    matrix.scaleInputs(factors.map { 1 / $0 })
    layers[i + 1].operation = .pointwise(matrix, relu: relu, residual: residual)
    return factors
  }

  private func equalize(
    _ norm: inout FloatNorm, _ matrix: inout FloatMatrix, _ statistics: Statistics
  ) {
    let factors = factors(statistics.magnitudes, exponent: 0.5)
    for c in factors.indices {
      norm.gamma[c] *= factors[c]
      norm.beta[c] *= factors[c]
    }
    matrix.scaleInputs(factors.map { 1 / $0 })
  }

  /// (greatest magnitude / magnitude of the channel) ^ exponent, at most
  /// 2⁸ before the exponent: beyond that a channel is as good as dead.
  private func factors(_ magnitudes: [Float], exponent: Float) -> [Float] {
    let greatest = magnitudes.max() ?? 0
    return magnitudes.map { magnitude in
      guard magnitude > 0, greatest.isFinite else { return 1 }
      let ratio = min(greatest / magnitude, 256)
      return pow(ratio, exponent)
    }
  }
}

extension Network.Operation {
  /// A depth-wise convolution that multiplies its input's channels; nil for other operations.
  fileprivate func scaledInputs(_ factors: [Float]) -> Network.Operation? {
    switch self {
    case .depthwise(var filter, residual: false):
      filter.scaleInputs(factors)
      return .depthwise(filter, residual: false)
    case .dynamicDepthwise(var filter):
      filter.scaleInputs(factors)
      return .dynamicDepthwise(filter)
    case .inhomogeneousDepthwise(var filter):
      filter.scaleInputs(factors)
      return .inhomogeneousDepthwise(filter)
    case .patchEmbed, .pointwise, .depthwise, .mlp, .patchMerge, .head, .attention, .convolution:
      return nil
    }
  }
}

extension FloatDynamicFilter {
  /// Multiplies the taps of each channel and what its mean is weighted with, as if its input were
  /// divided.
  mutating func scaleInputs(_ factors: [Float]) {
    squeeze.scaleInputs(factors)
    scaleTaps(factors)
  }

  /// Multiplies the taps and the bias of each channel.
  mutating func scaleOutputs(_ factors: [Float]) {
    scaleTaps(factors)
    for c in bias.indices { bias[c] *= factors[c] }
  }

  private mutating func scaleTaps(_ factors: [Float]) {
    let taps = kernel * kernel
    expand.scaleOutputs((0..<channels * taps).map { factors[$0 / taps] })
  }
}

extension FloatInhomogeneousFilter {
  /// Multiplies the scale of each channel and what the taps are computed with, as if the input were
  /// divided.
  mutating func scaleInputs(_ factors: [Float]) {
    squeeze.scaleInputs(factors)
    for c in scale.indices { scale[c] *= factors[c] }
  }

  /// Multiplies the scale and the bias of each channel.
  mutating func scaleOutputs(_ factors: [Float]) {
    for c in scale.indices {
      scale[c] *= factors[c]
      bias[c] *= factors[c]
    }
  }
}

extension FloatAttention {
  /// Whether a constant may be taken off keys and values: not off the zeros outside a map, and not in
  /// front of LayerNorm.
  private var isShiftable: Bool {
    switch reach {
    case .window, .map: keyNorm == nil
    case .dilated, .neighbours: false
    }
  }

  /// How far the channels of keys or values reach from zero when they are equalized.
  fileprivate func reaches(of statistics: Statistics) -> [Float] {
    isShiftable ? statistics.halfWidths : statistics.magnitudes
  }

  /// Puts each channel of the keys around zero, and makes it as wide as the queries' channel.
  fileprivate mutating func equalize(queries: Statistics, keys: Statistics) {
    var factors = [Float](repeating: 1, count: 3 * channels)
    let reaches = reaches(of: keys)
    for c in 0..<channels {
      if isShiftable { qkv.bias[channels + c] -= keys.middles[c] }
      let query = queries.magnitudes[c], key = reaches[c]
      guard query > 0, key > 0 else { continue }
      factors[c] = min(max((key / query).squareRoot(), 0x1p-8), 0x1p8)
      factors[channels + c] = 1 / factors[c]
    }
    qkv.scaleOutputs(factors)
  }

  /// Puts each channel of the values around zero, and scales it until the product behind.
  fileprivate mutating func equalize(values: Statistics, factors: [Float]) {
    for c in 0..<channels where isShiftable {
      qkv.bias[2 * channels + c] -= values.middles[c]
      for o in 0..<channels {
        project.bias[o] += project.weights[o * channels + c] * values.middles[c]
      }
    }
    qkv.scaleOutputs([Float](repeating: 1, count: 2 * channels) + factors)
    project.scaleInputs(factors.map { 1 / $0 })
  }
}

extension FloatFilter {
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
