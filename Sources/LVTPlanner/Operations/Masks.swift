// SPDX-License-Identifier: Apache-2.0
internal import LVTModel
internal import LVTRuntime

/// The masks of boxes; ``LVTModel/Masks`` says what it makes.
struct FloatMasks: FloatOperation {
  let align: RegionAlign
  let classes: Int
  /// One for each stage.
  var heads: [Head]

  /// What one stage's probabilities come from.
  struct Head: Sendable {
    var convolutions: FloatRegionConvolutions
    /// To four positions, each with its channels and zeros up to a whole number of blocks; ReLU follows.
    var upsample: FloatMatrix
    /// To a logit for each class, or one for all.
    var output: FloatMatrix

    var matrices: [FloatMatrix] { convolutions.matrices + [upsample, output] }
  }

  var matrices: [FloatMatrix] { heads.flatMap(\.matrices) }
  var parameters: Int { matrices.reduce(0) { $0 + $1.parameters } }
  var isOfStreams: Bool { false }
  var fixedType: ElementType? { .float32 }
  var namesItsInputs: Bool { true }

  /// The number of the first product of a head.
  private func first(_ head: Int) -> Int { heads[..<head].reduce(0) { $0 + $1.matrices.count } }

  func macs(to shape: Shape) -> Int {
    heads.reduce(0) { total, head in
      let ofCell = head.convolutions.matrices.reduce(head.upsample.weights.count) {
        $0 + $1.weights.count
      }
      return total + shape.width * align.cells * (ofCell + 4 * head.output.inputs)
    }
  }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == align.strides.count + 1, let boxes = inputs.last,
      boxes.channels == Detect.boxValues
    else { return nil }
    for head in heads {
      guard let channels = head.convolutions.outputChannels(of: inputs[0].channels),
        head.upsample.inputs == channels, head.output.inputs <= head.upsample.outputs / 4
      else { return nil }
    }
    return Shape(height: 1, width: boxes.width, channels: 4 * align.cells)
  }

  func run(_ inputs: [FloatMap], to shape: Shape, observe: Observer) -> [Float] {
    let levels = Array(inputs.dropLast()), objects = inputs[inputs.count - 1]
    let found = regions(objects), boxes = align.orWhole(found, levels)
    let cells = align.cells(of: boxes, levels)
    var result = [Float](repeating: 0, count: shape.width * shape.channels)
    for (number, head) in heads.enumerated() {
      let first = first(number), upsampling = first + head.convolutions.matrices.count
      let maps = head.convolutions.applied(
        to: cells, side: align.side, channels: inputs[0].shape.channels, first: first, observe)
      observe(.product(upsampling), maps, head.upsample.inputs)
      let finer = head.upsample.applied(
        to: maps, rows: boxes.count * align.cells, relu: true)
      observe(.made(upsampling), finer, head.upsample.outputs / 4)
      let rows = finer.leading(head.output.inputs, of: head.upsample.outputs / 4)
      observe(.product(upsampling + 1), rows, head.output.inputs)
      let logits = head.output.applied(to: rows, rows: 4 * boxes.count * align.cells)
      let width = head.output.outputs
      observe(.maskLogits(stage: number), logits, width)
      for box in found.indices {
        let classIndex = Int(objects.values[box * objects.shape.channels + 5])
        for i in 0..<shape.channels {
          let cell = i / 4, side = align.side
          let y = 2 * (cell / side) + i % 4 / 2, x = 2 * (cell % side) + i % 2
          result[box * shape.channels + y * 2 * side + x] +=
            sigmoid(logits[(box * shape.channels + i) * width + (width == 1 ? 0 : classIndex)])
        }
      }
    }
    return result.map { $0 / Float(heads.count) }
  }

  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {
    for number in heads.indices {
      let first = first(number), upsampling = first + heads[number].convolutions.matrices.count
      if let factors = heads[number].convolutions.equalize(first: first, ranges) {
        heads[number].upsample.divideChannels(by: factors)
      }
      guard let statistics = ranges(.made(upsampling)) else { continue }
      let factors = equalizingFactors(statistics.magnitudes, exponent: 0.5)
      heads[number].upsample.scaleOutputs((0..<4).flatMap { _ in factors })
      let inputs = heads[number].output.inputs
      heads[number].output.scaleInputs(factors.prefix(inputs).map { 1 / $0 })
    }
  }

  mutating func scale(_ factors: [Float], inputs: Set<Int>, output: Bool) -> Bool {
    guard !output, inputs == Set(align.strides.indices) else { return false }
    for number in heads.indices {
      if heads[number].convolutions.matrices.isEmpty {
        heads[number].upsample.divideChannels(by: factors)
      } else {
        heads[number].convolutions.matrices[0].divideChannels(by: factors)
      }
    }
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    var step = Masks()
    step.align = align
    step.kernel = heads.first?.convolutions.kernel ?? 1
    step.classes = classes
    for (number, head) in heads.enumerated() {
      let first = first(number), upsampling = first + head.convolutions.matrices.count
      var packed = Masks.Head(), source = c.input
      (packed.convolutions, source) = head.convolutions.lowered(first: first, source, &c)
      let upsample = c.quantized(head.upsample, upsampling, inputScale: source.scale)
      let finer = c.choose(.made(upsampling), leastScale: upsample.leastOutputScale)
      packed.upsample = c.pack(upsample, source, finer, relu: true)
      packed.output = c.packReal(head.output, upsampling + 1, finer)
      step.heads.append(packed)
    }
    return .masks(step)
  }
}

extension [Float] {
  /// The first values of each row.
  fileprivate func leading(_ count: Int, of width: Int) -> [Float] {
    guard count < width else { return self }
    return stride(from: 0, to: self.count, by: width).flatMap { self[$0..<$0 + count] }
  }
}
