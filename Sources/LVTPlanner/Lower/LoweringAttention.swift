// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVTModel

extension Lowering {
  /// Of what attention multiplies scores and weighted means with.
  private static let multiplierLimit: Float = 65536

  mutating func lowerAttention(
    _ i: Int, _ attention: FloatAttention, _ input: Quantization
  ) -> Step.Operation {
    let normalized = choose(.normalized(i))
    let qkv = QuantizedMatrix(
      attention.qkv, inputScale: normalized.scale, means: means(.normalized(i)))
    let parts = [Point.query(i), .key(i), .value(i)].enumerated().map { part, point in
      let rows = part * attention.channels..<(part + 1) * attention.channels
      return choose(point, leastScale: qkv.leastOutputScale(of: rows), symmetric: true).scale
    }
    let attended = choose(.attended(i), leastScale: parts[2] / Self.multiplierLimit)
    let project = QuantizedMatrix(
      attention.project, inputScale: attended.scale, means: means(.attended(i)))
    let output = output(i, leastScale: project.leastOutputScale, adding: input)

    let scoreUnit = scoreUnit(i, attention, queryScale: parts[0], keyScale: parts[1])
    let norm = append(attention.norm, inputScale: input.scale, output: normalized)
    let packedQKV = constants.append(
      qkv,
      multipliers: qkv.multipliers(
        outputScales: parts.flatMap { [Float](repeating: $0, count: attention.channels) }),
      inputZeroPoint: normalized.zeroPoint, outputZeroPoint: 0, lowerBound: -128)
    // Beyond the limit a softmax is a maximum of whatever differs.
    let scoreMultiplier = min(
      Self.multiplierLimit, parts[0] * parts[1] * attention.scale / scoreUnit)
    let bias = attention.positionBiases.map { value in
      Int32(rounding: Double(max(-0x1p21, min(0x1p21, value / scoreUnit))))
    }
    let biasOffset = bias.isEmpty ? nil : constants.append(bias)
    let packedProject = pack(project, attended, output, relu: false)
    var dilations: Int?
    switch attention.reach {
    case .window(let edge, let shift, _):
      var step = WindowAttention()
      step.window = edge
      step.shift = shift
      step.heads = attention.heads
      step.norm = norm
      step.qkv = packedQKV
      step.scoreMultiplier = scoreMultiplier
      step.biasOffset = biasOffset
      if let norm = attention.keyNorm {
        var packed = KeyNorm()
        packed.gammaOffset = constants.append(norm.gamma.map(Self.limited))
        packed.betaOffset = constants.append(norm.beta.map(Self.limited))
        packed.epsilon = Self.epsilon(norm.epsilon, unit: scoreUnit)
        step.keyNorm = packed
      }
      step.attendedMultiplier = parts[2] / attended.scale
      step.attendedZeroPoint = attended.zeroPoint
      step.project = packedProject
      step.residualMultiplier = input.scale / output.scale
      return .windowAttention(step)
    case .dilated(let groups): dilations = groups
    case .map, .neighbours: break
    }
    var step = MapAttention()
    step.dilations = dilations
    step.heads = attention.heads
    step.norm = norm
    step.qkv = packedQKV
    step.scoreMultiplier = scoreMultiplier
    step.attendedMultiplier = parts[2] / attended.scale
    step.attendedZeroPoint = attended.zeroPoint
    step.project = packedProject
    step.residualMultiplier = input.scale / output.scale
    return .mapAttention(step)
  }

  /// The real number that a score of 1 stands for.
  ///
  /// LayerNorm leaves it free: the greatest score that the channels' greatest queries and keys could give
  /// becomes 32767.
  private func scoreUnit(
    _ i: Int, _ attention: FloatAttention, queryScale: Float, keyScale: Float
  ) -> Float {
    guard attention.keyNorm != nil, let queries = statistics[.query(i)],
      let keys = statistics[.key(i)]
    else { return 1 / (WindowAttention.scoreUnits * Float(M_LOG2E)) }
    let products = zip(queries.magnitudes, keys.magnitudes).map { query, key in
      min(query, 127 * queryScale) * min(key, 127 * keyScale)
    }
    let size = attention.headChannels
    let heads = (0..<attention.heads).map { head in
      products[head * size..<(head + 1) * size].reduce(0, +)
    }
    let bias = attention.positionBiases.max() ?? 0
    let greatest = (heads.max() ?? 0) * attention.scale + max(bias, 0)
    return ScaleLimits.scale(
      max(greatest / 32767, queryScale * keyScale * attention.scale / Self.multiplierLimit))
  }

  mutating func lowerDepthwiseAttention(
    _ i: Int, _ attention: FloatAttention, _ kernel: Int, _ bias: [Float], _ input: Quantization
  ) -> DepthwiseAttention {
    let channels = attention.channels, pitch = Shape.blocks(channels) * Shape.block
    let normalized = choose(.normalized(i))
    let qkv = QuantizedMatrix(
      attention.qkv.paddingParts(of: channels, to: pitch), inputScale: normalized.scale,
      means: means(.normalized(i)))
    // Each channel of queries, keys and values reaches just as far as calibration saw it.
    var scales = [Point.query(i), .key(i), .value(i)].flatMap { point in
      (statistics[point]?.magnitudes ?? []).map { $0 / 127 }
        + [Float](repeating: 0, count: pitch - channels)
    }
    for row in scales.indices {
      scales[row] = ScaleLimits.scale(max(scales[row], qkv.leastOutputScale(of: row..<row + 1)))
    }
    let attended = choose(.attended(i))
    let project = QuantizedMatrix(
      attention.project, inputScale: attended.scale, means: means(.attended(i)))
    let output = output(i, leastScale: project.leastOutputScale, adding: input)

    let columns = (0..<channels).map { c in
      stride(from: c, to: bias.count, by: channels).map { bias[$0] }
    }
    var biases = [Int16](repeating: 0, count: kernel * kernel * pitch)
    func add(_ column: [Float], of channel: Int) {
      for (neighbour, value) in column.enumerated() {
        biases[neighbour * pitch + channel] = Int16(
          max(-32767, min(32767, value.rounded(.toNearestOrEven))))
      }
    }
    func values(_ c: Int) -> Float { scales[2 * pitch + c] / attended.scale }
    let weighting: DepthwiseAttention.Weighting
    if let norm = attention.keyNorm {
      // Products reach 2¹⁴, and so may biases: beside greater ones the products hardly count.
      for (c, column) in columns.enumerated() {
        let greatest = column.map(\.magnitude).max() ?? 0
        scales[pitch + c] = max(scales[pitch + c], greatest / 16383 / scales[c])
        add(column.map { $0 / (scales[c] * scales[pitch + c]) }, of: c)
      }
      weighting = .layerNorm(
        gammaOffset: constants.append(
          (0..<channels).map { Self.limited(norm.gamma[$0] * values($0)) }),
        betaOffset: constants.append(
          (0..<channels).map { Self.limited(norm.beta[$0] * values($0)) }),
        epsilonOffset: constants.append(
          (0..<pitch).map { Self.epsilon(norm.epsilon, unit: scales[$0] * scales[pitch + $0]) }))
    } else {
      let units = WindowAttention.scoreUnits * Float(M_LOG2E)
      for (c, column) in columns.enumerated() {
        // Softmax sees differences only.
        let middle = ((column.min() ?? 0) + (column.max() ?? 0)) / 2
        add(column.map { ($0 - middle) * units }, of: c)
      }
      weighting = .softmax(
        scoreMultiplierOffset: constants.append(
          (0..<channels).map {
            min(Self.multiplierLimit, scales[$0] * scales[pitch + $0] * units)
          }),
        attendedMultiplierOffset: constants.append(
          (0..<channels).map { min(Self.multiplierLimit, values($0)) }))
    }
    var step = DepthwiseAttention()
    step.kernel = kernel
    step.norm = append(attention.norm, inputScale: input.scale, output: normalized)
    step.qkv = constants.append(
      qkv, multipliers: qkv.multipliers(outputScales: scales),
      inputZeroPoint: normalized.zeroPoint, outputZeroPoint: 0, lowerBound: -128)
    step.biasOffset = constants.append(biases)
    step.weighting = weighting
    step.attendedZeroPoint = attended.zeroPoint
    step.project = pack(project, attended, output, relu: false)
    step.residualMultiplier = input.scale / output.scale
    return step
  }
}
