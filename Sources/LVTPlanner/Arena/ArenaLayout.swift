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
    let steps = network.steps
    var tensors = network.tensors
    var lastUse = [Int](repeating: 0, count: tensors.count)
    for (i, step) in steps.enumerated() {
      for tensor in step.inputs + [step.output] { lastUse[tensor] = i }
    }
    for output in network.outputs { lastUse[output.tensor] = steps.count - 1 }

    var bufferOfTensor = [0]
    var sizes = [tensors[0].byteCount]
    var lifetimes = [Lifetime(firstStep: 0, lastStep: lastUse[0])]
    for (i, step) in steps.enumerated() {
      if let overwritten = Self.overwritten(by: step, at: i, tensors, lastUse) {
        let buffer = bufferOfTensor[overwritten]
        bufferOfTensor.append(buffer)
        lifetimes[buffer].lastStep = lastUse[step.output]
      } else {
        bufferOfTensor.append(sizes.count)
        sizes.append(tensors[step.output].byteCount)
        lifetimes.append(Lifetime(firstStep: i, lastStep: lastUse[step.output]))
      }
    }

    for i in tensors.indices { tensors[i].buffer = bufferOfTensor[i] }
    let scratchBytes = steps.map { step in
      step.operands(in: tensors).map {
        step.operation.scratch($0, strip: step.stripRows).byteCount
      } ?? 0
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

  /// The tensor whose buffer a step's output takes over: one that the operation may overwrite, that nothing
  /// reads afterwards, that the step reads once, and of the output's form.
  private static func overwritten(
    by step: Step, at index: Int, _ tensors: [Tensor], _ lastUse: [Int]
  ) -> Int? {
    step.operation.overwritableInputs.map { step.inputs[$0] }.first { tensor in
      lastUse[tensor] == index && step.inputs.count { $0 == tensor } == 1
        && tensors[tensor].shape == tensors[step.output].shape
        && tensors[tensor].type == tensors[step.output].type
    }
  }
}
