// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// A place in a network where values are quantized.
public enum Point: Hashable, Sendable {
  /// What a layer makes.
  case output(Int)
  /// The sums of a patch embedding, before its LayerNorm.
  case sums(Int)
  /// The hidden values of an MLP before and after GELU, of a convolution before it; those of a filter
  /// with computed taps after its ReLU.
  case hidden(Int), activated(Int)
  /// What the LayerNorm of a merge, a head, an MLP or an attention makes.
  case normalized(Int)
  /// The mean or the maximum over positions in a head, the mean for a dynamic filter.
  case pooled(Int)
  /// The taps of a dynamic filter, for each tap those of all channels; those of an inhomogeneous one as
  /// its second product makes them.
  case taps(Int)
  /// Queries, keys and values of an attention, and the values' weighted means.
  case query(Int), key(Int), value(Int), attended(Int)

  /// The layer that the place is in.
  public var layer: Int {
    switch self {
    case .output(let i), .sums(let i), .hidden(let i), .activated(let i), .normalized(let i),
      .pooled(let i), .taps(let i), .query(let i), .key(let i), .value(let i), .attended(let i):
      i
    }
  }
}

/// Runs a network in float32.
public struct FloatExecutor: Sendable {
  /// What runs.
  public let network: Network

  /// An executor of a network.
  public init(_ network: Network) { self.network = network }

  /// The normalised picture of RGB bytes, height × width × 3.
  public func normalized(_ picture: [UInt8]) -> [Float] {
    var values = [Float](repeating: 0, count: picture.count)
    for i in 0..<picture.count {
      values[i] = (Float(picture[i]) / 255 - network.mean[i % 3]) / network.deviation[i % 3]
    }
    return values
  }

  /// The logits of a normalised picture, height × width × 3.
  ///
  /// - Parameter observe: Called with the values at each point, positions × channels.
  public func logits(
    _ input: [Float], observe: (Point, [Float], _ channels: Int) -> Void = { _, _, _ in }
  ) -> [Float] {
    var values: [[Float]] = [input]
    for (i, layer) in network.layers.enumerated() {
      let input = values[i]
      let output = run(layer, i, input, values: values, observe: observe)
      observe(.output(i), output, layer.output.channels)
      values.append(output)
      // Only the last few values are residuals of what follows.
      if i >= 4 { values[i - 4] = [] }
    }
    return values[values.count - 1]
  }

  /// The name of the first layer that makes a NaN or an infinity of a normalised picture, or nil.
  public func firstNotFinite(_ input: [Float]) -> String? {
    var first: Int?
    _ = logits(input) { point, values, _ in
      if first == nil, values.contains(where: { !$0.isFinite }) { first = point.layer }
    }
    return first.map { network.layers[$0].name }
  }

  private func run(
    _ layer: Network.Layer, _ i: Int, _ input: [Float], values: [[Float]],
    observe: (Point, [Float], Int) -> Void
  ) -> [Float] {
    let positions = layer.output.positions
    let source = network.shape(ofValue: i)
    switch layer.operation {
    case .patchEmbed(let patch, let matrix, let norm):
      let sums = matrix.applied(
        to: patches(input, width: source.width, patch: patch, grid: layer.output), rows: positions)
      observe(.sums(i), sums, matrix.outputs)
      return normalize(sums, norm)

    case .pointwise(let matrix, let relu, let residual):
      var output = matrix.applied(to: input, rows: positions, relu: relu)
      if let residual { lvtf_add(&output, values[residual], output.count) }
      return output

    case .depthwise(let filter, let residual):
      var output = convolve(input, source, filter, relu: !residual)
      if residual { lvtf_add(&output, input, output.count) }
      return output

    case .dynamicDepthwise(let dynamic):
      let mean = columnMeans(input, channels: dynamic.channels)
      observe(.pooled(i), mean, dynamic.channels)
      let hidden = dynamic.squeeze.applied(to: mean, rows: 1, relu: true)
      observe(.hidden(i), hidden, dynamic.squeeze.outputs)
      let filter = filter(dynamic, dynamic.expand.applied(to: hidden, rows: 1))
      observe(.taps(i), filter.weights, dynamic.channels)
      return convolve(input, source, filter, relu: true)

    case .inhomogeneousDepthwise(let filter):
      let hidden = filter.squeeze.applied(to: input, rows: positions, relu: true)
      observe(.hidden(i), hidden, filter.squeeze.outputs)
      let taps = filter.expand.applied(to: hidden, rows: positions)
      observe(.taps(i), taps, filter.expand.outputs)
      return [Float](unsafeUninitializedCapacity: input.count) { out, count in
        lvtf_inhomogeneous_depthwise(
          input, source.height, source.width, filter.channels, filter.kernel, filter.groups, taps,
          filter.scale, filter.bias, out.baseAddress)
        count = input.count
      }

    case .mlp(let norm, let expand, let project):
      var source = input
      if let norm {
        source = normalize(input, norm)
        observe(.normalized(i), source, expand.inputs)
      }
      var hidden = expand.applied(to: source, rows: positions)
      observe(.hidden(i), hidden, expand.outputs)
      lvtf_gelu(&hidden, hidden.count)
      observe(.activated(i), hidden, expand.outputs)
      var output = project.applied(to: hidden, rows: positions)
      lvtf_add(&output, input, output.count)
      return output

    case .patchMerge(let norm, let matrix):
      let normalized = normalize(merged(input, source), norm)
      observe(.normalized(i), normalized, matrix.inputs)
      return matrix.applied(to: normalized, rows: positions)

    case .head(let norm, let pooling, let matrix):
      let normalized = normalize(input, norm)
      observe(.normalized(i), normalized, matrix.inputs)
      let pooled =
        switch pooling {
        case .mean: columnMeans(normalized, channels: matrix.inputs)
        case .maximum: columnMaxima(normalized, channels: matrix.inputs)
        }
      observe(.pooled(i), pooled, matrix.inputs)
      return matrix.applied(to: pooled, rows: 1)

    case .attention(let attention):
      let normalized = normalize(input, attention.norm)
      observe(.normalized(i), normalized, attention.channels)
      let qkv = attention.qkv.applied(to: normalized, rows: positions)
      for (part, point) in [Point.query(i), .key(i), .value(i)].enumerated() {
        observe(point, attention.part(part, of: qkv), attention.channels)
      }
      let attended = attention.attended(qkv, source)
      observe(.attended(i), attended, attention.channels)
      var output = attention.project.applied(to: attended, rows: positions)
      lvtf_add(&output, input, output.count)
      return output

    case .convolution(let convolution):
      var output = convolution.matrix.applied(
        to: taps(input, source, convolution, grid: layer.output), rows: positions)
      guard convolution.gelu else { return output }
      observe(.hidden(i), output, convolution.matrix.outputs)
      lvtf_gelu(&output, output.count)
      return output
    }
  }

  private func convolve(
    _ input: [Float], _ shape: Shape, _ filter: FloatFilter, relu: Bool
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: input.count) { out, count in
      lvtf_depthwise(
        input, shape.height, shape.width, filter.channels, filter.kernel, filter.weights,
        filter.bias, relu ? 1 : 0, out.baseAddress)
      count = input.count
    }
  }

  /// The filter of one picture; `taps` has those of one channel after the other.
  private func filter(_ dynamic: FloatDynamicFilter, _ taps: [Float]) -> FloatFilter {
    let channels = dynamic.channels, count = dynamic.kernel * dynamic.kernel
    var weights = taps
    for c in 0..<channels {
      for tap in 0..<count { weights[tap * channels + c] = taps[c * count + tap] }
    }
    return FloatFilter(
      kernel: dynamic.kernel, channels: channels, weights: weights, bias: dynamic.bias)
  }

  private func normalize(_ values: [Float], _ norm: FloatNorm) -> [Float] {
    var result = values
    let channels = norm.gamma.count
    lvtf_layernorm(
      values, values.count / channels, channels, norm.gamma, norm.beta, norm.epsilon, &result)
    return result
  }

  private func columnMeans(_ values: [Float], channels: Int) -> [Float] {
    var sums = [Double](repeating: 0, count: channels)
    for i in values.indices { sums[i % channels] += Double(values[i]) }
    return sums.map { Float($0 / Double(values.count / channels)) }
  }

  private func columnMaxima(_ values: [Float], channels: Int) -> [Float] {
    var maxima = Array(values[..<channels])
    for i in values.indices { maxima[i % channels] = max(maxima[i % channels], values[i]) }
    return maxima
  }

  private func patches(_ picture: [Float], width: Int, patch: Int, grid: Shape) -> [Float] {
    var rows: [Float] = []
    rows.reserveCapacity(picture.count)
    for row in 0..<grid.height {
      for column in 0..<grid.width {
        for y in 0..<patch {
          let start = ((row * patch + y) * width + column * patch) * 3
          rows += picture[start..<start + 3 * patch]
        }
      }
    }
    return rows
  }

  /// The K × K neighbourhoods of the positions of a grid; zeros outside the map.
  private func taps(
    _ map: [Float], _ shape: Shape, _ convolution: FloatConvolution, grid: Shape
  ) -> [Float] {
    let kernel = convolution.kernel, channels = shape.channels
    var rows = [Float](
      repeating: 0, count: grid.positions * kernel * kernel * channels)
    var row = 0
    for top in stride(from: 0, to: grid.height * convolution.stride, by: convolution.stride) {
      for left in stride(from: 0, to: grid.width * convolution.stride, by: convolution.stride) {
        for tap in 0..<kernel * kernel {
          let y = top + tap / kernel - kernel / 2, x = left + tap % kernel - kernel / 2
          if (0..<shape.height).contains(y), (0..<shape.width).contains(x) {
            let start = (y * shape.width + x) * channels
            for c in 0..<channels { rows[row + c] = map[start + c] }
          }
          row += channels
        }
      }
    }
    return rows
  }

  private func merged(_ map: [Float], _ shape: Shape) -> [Float] {
    let channels = shape.channels
    var rows: [Float] = []
    rows.reserveCapacity(map.count)
    for y in stride(from: 0, to: shape.height, by: 2) {
      for x in stride(from: 0, to: shape.width, by: 2) {
        for (dy, dx) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
          guard y + dy < shape.height, x + dx < shape.width else {
            rows += repeatElement(0, count: channels)
            continue
          }
          let start = ((y + dy) * shape.width + x + dx) * channels
          rows += map[start..<start + channels]
        }
      }
    }
    return rows
  }
}
