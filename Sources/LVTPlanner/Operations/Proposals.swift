// SPDX-License-Identifier: Apache-2.0
internal import LVTModel
internal import LVTRuntime

/// A region proposal network over the levels of a pyramid; ``LVTModel/Proposals`` says what it makes.
struct FloatProposals: FloatOperation {
  /// Anchors, strides and rules; its matrices are those below.
  let step: Proposals
  /// K² · channels inputs in the order row, column, channel; ReLU follows.
  var convolution: FloatMatrix
  /// A logit for each anchor, and behind those four offsets for each anchor.
  var output: FloatMatrix

  var matrices: [FloatMatrix] { [convolution, output] }
  var parameters: Int { convolution.parameters + output.parameters }
  var isOfStreams: Bool { false }
  var fixedType: ElementType? { .float32 }
  var sharesInputs: Bool { true }
  var namesItsInputs: Bool { true }

  func macs(of inputs: [Shape], to shape: Shape) -> Int {
    let weights = convolution.weights.count + output.weights.count
    return inputs.reduce(0) { $0 + $1.positions * weights }
  }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == step.strides.count, let first = inputs.first,
      inputs.allSatisfy({ $0.channels == first.channels }),
      convolution.inputs == step.kernel * step.kernel * first.channels,
      output.inputs == convolution.outputs
    else { return nil }
    return Shape(height: 1, width: step.regions, channels: Proposals.regionValues)
  }

  func run(_ inputs: [FloatMap], to shape: Shape, observe: Observer) -> [Float] {
    let decoder = BoxDecoder(step.coder, picture: step.picture), anchors = step.anchors.count
    var kept: [Region] = [], counts: [Int32] = []
    let none = Region(box: SIMD4(), logit: 0, index: 0)
    for (level, input) in inputs.enumerated() {
      var map = input.shape
      map.channels = convolution.outputs
      let hidden = convolution.convolved(
        input, kernel: step.kernel, stride: 1, to: map, relu: true, product: 0, observe)
      observe(.made(0), hidden, convolution.outputs)
      observe(.product(1), hidden, convolution.outputs)
      let sums = output.applied(to: hidden, rows: map.positions), width = output.outputs
      observeRaw(level, sums, observe)
      let grid = AnchorGrid(
        step.anchors, stride: step.strides[level], columns: map.width, decoder)
      let best = (0..<map.positions * anchors).map { index in
        KeptAnchor(
          logit: sums[index / anchors * width + index % anchors], index: Int32(index))
      }.sorted().prefix(step.anchorsOfLevel)
      let regions = best.map { anchor in
        let index = Int(anchor.index)
        let start = index / anchors * width + anchors + index % anchors * 4
        return Region(
          box: grid.box(
            index,
            offsets: SIMD4(sums[start], sums[start + 1], sums[start + 2], sums[start + 3])),
          logit: anchor.logit, index: anchor.index)
      }.filter(\.hasArea)
      counts.append(Int32(regions.count))
      kept += regions
      kept += repeatElement(none, count: step.anchorsOfLevel - regions.count)
    }
    var result = [Float](repeating: 0, count: shape.positions * shape.channels)
    var levels = [UInt8](repeating: 0, count: step.regions)
    RegionSelection(step).run(
      levels: inputs.count, kept, room: step.anchorsOfLevel, counts: counts,
      levelOfRegion: &levels, to: &result)
    return result
  }

  /// Shows logits and offsets of a level.
  private func observeRaw(_ level: Int, _ sums: [Float], _ observe: Observer) {
    let anchors = step.anchors.count, width = output.outputs
    let rows = stride(from: 0, to: sums.count, by: width)
    observe(.classLogits(level: level), rows.flatMap { sums[$0..<$0 + anchors] }, anchors)
    observe(
      .boxOffsets(level: level), rows.flatMap { sums[$0 + anchors..<$0 + width] }, 4 * anchors)
  }

  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {
    guard let statistics = ranges(.made(0)) else { return }
    let factors = equalizingFactors(statistics.magnitudes, exponent: 0.5)
    convolution.scaleOutputs(factors)
    output.scaleInputs(factors.map { 1 / $0 })
  }

  mutating func scale(_ factors: [Float], inputs: Set<Int>, output: Bool) -> Bool {
    guard !output, inputs.count == step.strides.count else { return false }
    convolution.divideChannels(by: factors)
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    var step = step
    let source = c.input
    let first = c.quantized(convolution, 0, inputScale: source.scale)
    let hidden = c.choose(.made(0), leastScale: first.leastOutputScale)
    step.convolution = c.pack(
      first.fillingSegments(kernel: step.kernel), source, hidden, relu: true)
    step.output = c.packReal(output, 1, hidden)
    return .proposals(step)
  }
}
