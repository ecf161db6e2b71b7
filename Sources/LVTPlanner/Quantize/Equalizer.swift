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

extension Graph {
  /// Scales channels between nodes, and inside them, so that their ranges are alike; the graph computes the
  /// same.
  ///
  /// A value is scaled only where one node reads it and it is no result.
  ///
  /// - Parameter ranges: What the channels' values were on the calibration pictures.
  /// - Returns: What the channels of values were multiplied with.
  @discardableResult
  mutating func equalize(_ ranges: [Point: Statistics]) -> ChannelFactors {
    var factors = equalizeTogether(ranges)
    for i in nodes.indices {
      let value = nodes[i].output
      defer { nodes[i].operation.equalizeInside { ranges[Point(value: value, role: $0)] } }
      if factors[value] != nil { continue }
      if let reader = soleConsumer(of: value),
        let statistics = ranges[Point(value: value, role: .output)]
      {
        let found = equalizingFactors(
          statistics.magnitudes, exponent: nodes[reader].operation.inputEqualization)
        var (scaled, next) = (nodes[i].operation, nodes[reader].operation)
        if scaled.scaleOutputs(found), next.scaleInputs(found.map { 1 / $0 }) {
          (nodes[i].operation, nodes[reader].operation) = (scaled, next)
          factors[value] = found
        }
      }
    }
    return factors
  }

  /// Scales values that can only be scaled together: what is added to each other, through upsampling too, and
  /// what shares a quantization.
  private mutating func equalizeTogether(_ ranges: [Point: Statistics]) -> ChannelFactors {
    var all = ChannelFactors()
    for group in joinedValues where group.allSatisfy({ values[$0].producer != nil }) {
      let statistics = group.compactMap { ranges[Point(value: $0, role: .output)] }
      guard group.allSatisfy({ !isOutput($0) }), statistics.count == group.count else { continue }
      let factors = equalizingFactors(
        Statistics(joining: statistics).magnitudes, exponent: 0.5)
      var nodes = nodes
      let isDone = nodes.indices.allSatisfy { i in
        let inputs = Set(nodes[i].inputs.indices.filter { group.contains(nodes[i].inputs[$0]) })
        let output = group.contains(nodes[i].output)
        guard output || !inputs.isEmpty else { return true }
        return nodes[i].operation.scale(factors, inputs: inputs, output: output)
      }
      guard isDone else { continue }
      self.nodes = nodes
      for value in group { all[value] = factors }
    }
    return all
  }

  /// Sets of more than one value that nodes join: by adding one to another, or by sharing a quantization.
  private var joinedValues: [Set<ValueID>] {
    var groups = values.indices.map { Set([$0]) }
    for node in nodes {
      var joined = node.operation.joinedInputs(of: node.inputs)
      if !node.operation.sharesInputs { joined.append(node.output) }
      let touching = groups.filter { !$0.isDisjoint(with: joined) && joined.count > 1 }
      guard touching.count > 1 else { continue }
      groups.removeAll { touching.contains($0) }
      groups.append(touching.reduce(into: []) { $0.formUnion($1) })
    }
    return groups.filter { $0.count > 1 }.sorted { ($0.min() ?? 0) < ($1.min() ?? 0) }
  }
}

extension FloatOperation {
  /// The inputs whose channels must be as large as each other's or as those of what is made.
  fileprivate func joinedInputs(of inputs: [Graph.ValueID]) -> [Graph.ValueID] {
    if sharesInputs { return inputs }
    if let pointwise = self as? FloatPointwise, pointwise.residual != nil { return [inputs[1]] }
    if let added = addedInput { return [inputs[added]] }
    return self is FloatResample || self is FloatSubsample ? [inputs[0]] : []
  }
}

/// Makes the channels between a LayerNorm and a product alike, in part.
func equalize(_ norm: inout FloatNorm, _ matrix: inout FloatMatrix, _ statistics: Statistics?) {
  guard let statistics else { return }
  let factors = equalizingFactors(statistics.magnitudes, exponent: 0.5)
  norm.scaleOutputs(factors)
  matrix.scaleInputs(factors.map { 1 / $0 })
}

/// (greatest magnitude / magnitude of the channel) ^ exponent, at most
/// 2⁸ before the exponent: beyond that a channel is as good as dead.
func equalizingFactors(_ magnitudes: [Float], exponent: Float) -> [Float] {
  let greatest = magnitudes.max() ?? 0
  return magnitudes.map { magnitude in
    guard magnitude > 0, greatest.isFinite else { return 1 }
    let ratio = min(greatest / magnitude, 256)
    return pow(ratio, exponent)
  }
}
