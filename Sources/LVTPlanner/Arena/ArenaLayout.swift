// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Gives every value of a lowered network a buffer, shares buffers where a step works in place, and
/// places buffers and scratch in the arena.
struct ArenaLayout {
  let buffers: [Buffer]
  /// The buffer of each tensor.
  let bufferOfTensor: [Int]
  /// Of each step.
  let scratch: [(offset: Int, byteCount: Int)]
  let byteCount: Int
  let lowerBound: Int
  let isOptimal: Bool

  init(_ network: LoweredNetwork) {
    let steps = network.steps, tensors = network.tensors
    var lastUse = [Int](repeating: 0, count: tensors.count)
    for (i, step) in steps.enumerated() {
      for tensor in Self.inputs(of: step) { lastUse[tensor] = i }
      lastUse[step.output] = i
    }

    var bufferOfTensor = [0]
    var sizes = [tensors[0].byteCount]
    var lifetimes = [Lifetime(firstStep: 0, lastStep: lastUse[0])]
    for (i, step) in steps.enumerated() {
      let overwritten = Self.overwritable(by: step).filter { lastUse[$0] == i }.first
      if let overwritten {
        let buffer = bufferOfTensor[overwritten]
        bufferOfTensor.append(buffer)
        lifetimes[buffer].lastStep = lastUse[step.output]
      } else {
        bufferOfTensor.append(sizes.count)
        sizes.append(tensors[step.output].byteCount)
        lifetimes.append(Lifetime(firstStep: i, lastStep: lastUse[step.output]))
      }
    }

    let scratchBytes = steps.map { step in
      step.operation.scratchBytes(
        input: tensors[step.input], output: tensors[step.output], strip: step.stripRows)
    }
    var items = zip(sizes, lifetimes).map { size, lifetime in
      ArenaPlanner.Item(byteCount: (size + 63) / 64 * 64, lifetime: lifetime)
    }
    for (i, bytes) in scratchBytes.enumerated() {
      items.append(.init(byteCount: bytes, lifetime: Lifetime(firstStep: i, lastStep: i)))
    }
    let placement = ArenaPlanner(items).place()

    buffers = zip(items, placement.offsets).prefix(sizes.count).map { item, offset in
      Buffer(lifetime: item.lifetime, offset: offset, byteCount: item.byteCount)
    }
    scratch = steps.indices.map { i in
      (placement.offsets[sizes.count + i], scratchBytes[i])
    }
    self.bufferOfTensor = bufferOfTensor
    byteCount = placement.byteCount
    lowerBound = placement.lowerBound
    isOptimal = placement.isOptimal
  }

  private static func inputs(of step: Step) -> [Int] {
    if case .pointwise(let pointwise) = step.operation, let residual = pointwise.residual {
      return [step.input, residual]
    }
    return [step.input]
  }

  /// The tensors that a step may replace while it reads them.
  private static func overwritable(by step: Step) -> [Int] {
    switch step.operation {
    case .pointwise(let pointwise): pointwise.residual.map { [$0] } ?? []
    case .depthwise, .dynamicDepthwise, .inhomogeneousDepthwise, .mlp, .windowAttention,
      .mapAttention, .depthwiseAttention:
      [step.input]
    case .patchEmbed, .patchMerge, .head, .convolution: []
    }
  }
}
