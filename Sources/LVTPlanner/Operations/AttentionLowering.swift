// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVTModel

extension FloatAttention {
  func lower(_ c: inout Lowering) -> Step.Operation {
    if case .neighbours(let kernel, let bias) = reach {
      return .depthwiseAttention(lowerDepthwise(kernel, bias, &c))
    }
    return lowerHeads(&c)
  }

  /// Of what attention multiplies scores and weighted means with.
  private static let multiplierLimit: Float = 65536

  private func lowerHeads(_ c: inout Lowering) -> Step.Operation {
    let input = c.input
    let normalized = c.choose(.normalized)
    let qkv = c.quantized(self.qkv, inputScale: normalized.scale)
    let parts = [Point.Role.queries, .keys, .values].enumerated().map { part, role in
      let rows = part * channels..<(part + 1) * channels
      return c.choose(role, leastScale: qkv.leastOutputScale(of: rows), symmetric: true).scale
    }
    let attended = c.choose(.attended, leastScale: parts[2] / Self.multiplierLimit)
    let project = c.quantized(self.project, 1, inputScale: attended.scale)
    let output = c.output(leastScale: project.leastOutputScale, adding: input)

    let scoreUnit = scoreUnit(c, queryScale: parts[0], keyScale: parts[1])
    let norm = c.append(self.norm, inputScale: input.scale, output: normalized)
    let packedQKV = c.constants.append(
      qkv,
      multipliers: qkv.multipliers(
        outputScales: parts.flatMap { [Float](repeating: $0, count: channels) }),
      inputZeroPoint: normalized.zeroPoint, outputZeroPoint: 0, lowerBound: -128)
    // Beyond the limit a softmax is a maximum of whatever differs.
    let scoreMultiplier = min(
      Self.multiplierLimit, parts[0] * parts[1] * scale / scoreUnit)
    let bias = positionBiases.map { value in
      Int32(rounding: Double(max(-0x1p21, min(0x1p21, value / scoreUnit))))
    }
    let biasOffset = bias.isEmpty ? nil : c.constants.append(bias)
    let packedProject = c.pack(project, attended, output)
    var dilations: Int?
    switch reach {
    case .window(let edge, let shift, _):
      var step = WindowAttention()
      step.window = edge
      step.shift = shift
      step.heads = heads
      step.norm = norm
      step.qkv = packedQKV
      step.scoreMultiplier = scoreMultiplier
      step.biasOffset = biasOffset
      if let norm = keyNorm {
        var packed = KeyNorm()
        packed.gammaOffset = c.constants.append(norm.gamma.map { Lowering.limited($0) })
        packed.betaOffset = c.constants.append(norm.beta.map { Lowering.limited($0) })
        packed.epsilon = Lowering.epsilon(norm.epsilon, unit: scoreUnit)
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
    step.heads = heads
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
    _ c: Lowering, queryScale: Float, keyScale: Float
  ) -> Float {
    guard keyNorm != nil, let queries = c.statistics(.queries), let keys = c.statistics(.keys)
    else { return 1 / (WindowAttention.scoreUnits * Float(M_LOG2E)) }
    let products = zip(queries.magnitudes, keys.magnitudes).map { query, key in
      min(query, 127 * queryScale) * min(key, 127 * keyScale)
    }
    let size = headChannels
    let heads = (0..<heads).map { head in
      products[head * size..<(head + 1) * size].reduce(0, +)
    }
    let bias = positionBiases.max() ?? 0
    let greatest = (heads.max() ?? 0) * scale + max(bias, 0)
    return ScaleLimits.scale(
      max(greatest / 32767, queryScale * keyScale * scale / Self.multiplierLimit))
  }

  private func lowerDepthwise(
    _ kernel: Int, _ bias: [Float], _ c: inout Lowering
  ) -> DepthwiseAttention {
    let input = c.input, padded = Shape.blocks(channels) * Shape.block
    let normalized = c.choose(.normalized)
    let qkv = c.quantized(
      self.qkv.paddingParts(of: channels, to: padded), inputScale: normalized.scale)
    // Each channel of queries, keys and values reaches just as far as calibration saw it.
    var scales = [Point.Role.queries, .keys, .values].flatMap { role in
      (c.statistics(role)?.magnitudes ?? []).map { $0 / 127 }
        + [Float](repeating: 0, count: padded - channels)
    }
    for row in scales.indices {
      scales[row] = ScaleLimits.scale(max(scales[row], qkv.leastOutputScale(of: row..<row + 1)))
    }
    let attended = c.choose(.attended)
    let project = c.quantized(self.project, 1, inputScale: attended.scale)
    let output = c.output(leastScale: project.leastOutputScale, adding: input)

    let columns = (0..<channels).map { c in
      stride(from: c, to: bias.count, by: channels).map { bias[$0] }
    }
    var biases = [Int16](repeating: 0, count: kernel * kernel * padded)
    func add(_ column: [Float], of channel: Int) {
      for (neighbour, value) in column.enumerated() {
        biases[neighbour * padded + channel] = Int16(
          max(-32767, min(32767, value.rounded(.toNearestOrEven))))
      }
    }
    func values(_ c: Int) -> Float { scales[2 * padded + c] / attended.scale }
    let weighting: DepthwiseAttention.Weighting
    if let norm = keyNorm {
      // Products reach 2¹⁴, and so may biases: beside greater ones the products hardly count.
      for (c, column) in columns.enumerated() {
        let greatest = column.map(\.magnitude).max() ?? 0
        scales[padded + c] = max(scales[padded + c], greatest / 16383 / scales[c])
        add(column.map { $0 / (scales[c] * scales[padded + c]) }, of: c)
      }
      weighting = .layerNorm(
        gammaOffset: c.constants.append(
          (0..<channels).map { Lowering.limited(norm.gamma[$0] * values($0)) }),
        betaOffset: c.constants.append(
          (0..<channels).map { Lowering.limited(norm.beta[$0] * values($0)) }),
        epsilonOffset: c.constants.append(
          (0..<padded).map {
            Lowering.epsilon(norm.epsilon, unit: scales[$0] * scales[padded + $0])
          })
      )
    } else {
      let units = WindowAttention.scoreUnits * Float(M_LOG2E)
      for (c, column) in columns.enumerated() {
        // Softmax sees differences only.
        let middle = ((column.min() ?? 0) + (column.max() ?? 0)) / 2
        add(column.map { ($0 - middle) * units }, of: c)
      }
      weighting = .softmax(
        scoreMultiplierOffset: c.constants.append(
          (0..<channels).map {
            min(Self.multiplierLimit, scales[$0] * scales[padded + $0] * units)
          }),
        attendedMultiplierOffset: c.constants.append(
          (0..<channels).map { min(Self.multiplierLimit, values($0)) }))
    }
    var step = DepthwiseAttention()
    step.kernel = kernel
    step.norm = c.append(self.norm, inputScale: input.scale, output: normalized)
    step.qkv = c.constants.append(
      qkv, multipliers: qkv.multipliers(outputScales: scales),
      inputZeroPoint: normalized.zeroPoint, outputZeroPoint: 0, lowerBound: -128)
    step.biasOffset = c.constants.append(biases)
    step.weighting = weighting
    step.attendedZeroPoint = attended.zeroPoint
    step.project = c.pack(project, attended, output)
    step.residualMultiplier = input.scale / output.scale
    return step
  }
}
