// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel
internal import LVTRuntime

// Rounding and clipping shift the mean of what a layer makes. The shift of rounded weights is taken back
// where they are rounded (QuantizedMatrix); what is left, mostly from activations, adds up along the
// residual stream, and what normalises by a small deviation, such as the filter of a dynamic DWNet that
// looks at means only, multiplies it. So a plan runs on the calibration pictures, and each layer's bias
// takes back the shift that the layer adds (the empirical bias correction of Nagel and others, arXiv
// 1906.04721, section 4.2.2). Layers that respond to each other's corrections are corrected one after
// the other, stage by stage; inside a stage, where a layer mostly hands its input on, all at once. What
// does not bring the logits nearer to the float network's is not kept.

extension Graph {
  /// Takes what each node of a stage adds to the shifts of its output's channels off its bias.
  ///
  /// What adds nothing of its own to a stream has no bias for that; a patch embedding ends in a LayerNorm of
  /// small shifts.
  ///
  /// - Parameters:
  ///   - shifts: Of each value, the mean over the calibration pictures in the plan less that in the
  ///     float network; of the picture, none.
  ///   - share: How much of it is taken off.
  mutating func correctBiases(_ shifts: [[Double]], stage: Int, share: Float) {
    let stages = residualStages
    for (i, node) in nodes.enumerated() where stages[node.output] == stage {
      var shift = shifts[node.output]
      guard !shift.isEmpty else { continue }
      if let added = node.operation.addedInput {
        shift = zip(shift, shifts[node.inputs[added]]).map { $0 - $1 }
      }
      _ = nodes[i].operation.subtractFromBias(shift.map { share * Float($0) })
    }
  }
}

/// What a plan makes of the sample of the calibration pictures, beside what the float network makes of them.
struct Drift {
  /// Of each tensor, the mean of every channel over the pictures and positions, less that in the float
  /// network; nothing for the picture and the logits.
  let shifts: [[Double]]
  /// The results.
  let agreement: Agreement

  /// - Parameter sample: That of the calibration: means of other pictures would differ.
  init(
    _ plan: Plan, _ calibration: Calibration, compared: [Int], pictures: [[UInt8]], sample: [Int]
  ) throws(EngineError) {
    let parts = try inShards(of: sample.count) { (range) throws(EngineError) in
      let engine = try Engine(plan: plan)
      var part = Part(
        sums: plan.tensors.map { [Double](repeating: 0, count: $0.shape.channels) })
      for i in sample[range] {
        engine.withPicture { $0.copyBytes(from: pictures[i]) }
        var values = ComparedValues(compared)
        engine.run { step in
          values.read(engine, after: step)
          let value = plan.steps[step].output
          plan.tensors[value].addChannels(
            engine.bytes(ofTensor: value), to: &part.sums[value])
        }
        part.agreement.add(calibration.results[i], engine, compared: values)
      }
      return part
    }
    var all = parts[0]
    for part in parts.dropFirst() { all.add(part) }
    agreement = all.agreement
    let sums = all.sums
    shifts = plan.tensors.indices.map { value in
      let tensor = plan.tensors[value]
      guard tensor.type == .int8 || tensor.type == .int16 else { return [] }
      let count = Double(sample.count * tensor.shape.positions)
      let q = tensor.quantization
      let means = calibration.statistics[Point(value: value, role: .output)]?.countedMeans ?? []
      return zip(sums[value], means).map { sum, mean in
        Double(q.scale) * (sum / count - Double(q.zeroPoint)) - mean
      }
    }
  }
}

/// What is added up over pictures.
private struct Part: Sendable {
  /// Of each tensor, those of its channels' integers.
  var sums: [[Double]]
  var agreement = Agreement()

  mutating func add(_ other: Part) {
    for value in sums.indices {
      for c in sums[value].indices { sums[value][c] += other.sums[value][c] }
    }
    agreement.add(other.agreement)
  }
}

extension Tensor {
  /// Adds up each channel's integers.
  fileprivate func addChannels(_ bytes: UnsafeRawBufferPointer, to sums: inout [Double]) {
    switch type {
    case .int8:
      lvtf_add_channels_s8(bytes.baseAddress, shape.positions, shape.channels, pitch, &sums)
    case .int16:
      lvtf_add_channels_s16(bytes.baseAddress, shape.positions, shape.channels, pitch, &sums)
    default: break
    }
  }
}
