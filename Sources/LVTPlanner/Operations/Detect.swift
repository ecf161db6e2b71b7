// SPDX-License-Identifier: Apache-2.0
internal import LVTModel
internal import LVTRuntime

/// The head of a one-stage detector over the levels of a pyramid; ``LVTModel/Detect`` says what it makes.
struct FloatDetect: FloatOperation {
  /// Anchors, strides and rules; its matrices are those below.
  let head: Detect
  /// K² · channels inputs each, in the order row, column, channel; ReLU follows.
  var classTower, boxTower: [FloatMatrix]
  /// Anchors · classes logits.
  var classOutput: FloatMatrix
  /// Anchors · 4 offsets.
  var boxOutput: FloatMatrix

  var matrices: [FloatMatrix] { classTower + [classOutput] + boxTower + [boxOutput] }
  var parameters: Int { matrices.reduce(0) { $0 + $1.parameters } }
  var isOfStreams: Bool { false }
  var fixedType: ElementType? { .float32 }
  var sharesInputs: Bool { true }
  var namesItsInputs: Bool { true }
  var classesOfBoxes: Int? { head.classes }

  func macs(of inputs: [Shape], to output: Shape) -> Int {
    let weights = matrices.reduce(0) { $0 + $1.weights.count }
    return inputs.reduce(0) { $0 + $1.positions * weights }
  }

  func outputShape(of inputs: [Shape]) -> Shape? {
    let taps = head.kernel * head.kernel
    guard inputs.count == head.strides.count, let first = inputs.first,
      inputs.allSatisfy({ $0.channels == first.channels }),
      (classTower.first ?? classOutput).inputs == taps * first.channels,
      (boxTower.first ?? boxOutput).inputs == taps * first.channels
    else { return nil }
    return Shape(height: 1, width: head.selection.boxes, channels: Detect.boxValues)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    var candidates: [Candidate] = [], boxes: [SIMD4<Float>] = []
    let decoder = BoxDecoder(head.coder, picture: head.picture)
    let anchors = head.anchors.count, classes = head.classes
    for (level, input) in inputs.enumerated() {
      let logits = last(
        classOutput, tower(classTower, 0, input, { .classTower($0) }, observe), classTower.count,
        observe)
      let offsets = last(
        boxOutput, tower(boxTower, firstOfBoxes, input, { .boxTower($0) }, observe),
        firstOfBoxes + boxTower.count, observe)
      observe(.classLogits(level: level), logits, classOutput.outputs)
      observe(.boxOffsets(level: level), offsets, boxOutput.outputs)
      // Every anchor with its greatest logit, the best first, as far as a level may keep them.
      let best = (0..<input.shape.positions * anchors).map { index in
        KeptAnchor(
          logit: logits[index * classes..<(index + 1) * classes].max() ?? 0, index: Int32(index))
      }.sorted().prefix(head.selection.anchorsOfLevel)
      let grid = AnchorGrid(
        head.anchors, stride: head.strides[level], columns: input.shape.width, decoder)
      for anchor in best.map({ Int($0.index) }).sorted() {
        for k in 0..<classes where logits[anchor * classes + k] > head.selection.leastLogit {
          candidates.append(
            Candidate(
              logit: logits[anchor * classes + k], slot: Int32(boxes.count), classIndex: Int32(k)))
        }
        let offsets = SIMD4(
          offsets[anchor * 4], offsets[anchor * 4 + 1], offsets[anchor * 4 + 2],
          offsets[anchor * 4 + 3])
        boxes.append(grid.box(anchor, offsets: offsets))
      }
    }
    candidates.sort()
    return [Float](unsafeUninitializedCapacity: output.positions * output.channels) { out, count in
      count = output.positions * output.channels
      candidates.withUnsafeBufferPointer { candidates in
        boxes.withUnsafeBufferPointer { boxes in
          guard let boxes = boxes.baseAddress, let out = out.baseAddress else { return }
          Suppression(overlap: head.selection.overlap, boxes: head.selection.boxes)
            .run(candidates, boxes: boxes, to: out, score: sigmoid)
        }
      }
    }
  }

  /// The number of the first product that has to do with boxes.
  private var firstOfBoxes: Int { classTower.count + 1 }

  /// - Parameter first: The number of the first of the products.
  private func tower(
    _ matrices: [FloatMatrix], _ first: Int, _ input: FloatMap, _ role: (Int) -> Point.Role,
    _ observe: Observer
  ) -> FloatMap {
    var map = input
    for (i, matrix) in matrices.enumerated() {
      var shape = map.shape
      shape.channels = matrix.outputs
      let values = matrix.convolved(
        map, kernel: head.kernel, stride: 1, to: shape, relu: true, product: first + i, observe)
      observe(role(i), values, matrix.outputs)
      map = FloatMap(values: values, shape: shape)
    }
    return map
  }

  private func last(
    _ matrix: FloatMatrix, _ map: FloatMap, _ product: Int, _ observe: Observer
  ) -> [Float] {
    matrix.convolved(
      map, kernel: head.kernel, stride: 1, to: map.shape, relu: false, product: product, observe)
  }

  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {
    equalize(&classTower, &classOutput) { ranges(.classTower($0)) }
    equalize(&boxTower, &boxOutput) { ranges(.boxTower($0)) }
  }

  private func equalize(
    _ tower: inout [FloatMatrix], _ output: inout FloatMatrix, _ ranges: (Int) -> Statistics?
  ) {
    for i in tower.indices {
      guard let statistics = ranges(i) else { continue }
      let factors = equalizingFactors(statistics.magnitudes, exponent: 0.5)
      tower[i].scaleOutputs(factors)
      if i + 1 < tower.count {
        tower[i + 1].divideChannels(by: factors)
      } else {
        output.divideChannels(by: factors)
      }
    }
  }

  mutating func scale(_ factors: [Float], inputs: Set<Int>, output: Bool) -> Bool {
    guard !output, inputs.count == head.strides.count else { return false }
    func divide(_ tower: inout [FloatMatrix], _ output: inout FloatMatrix) {
      if tower.isEmpty {
        output.divideChannels(by: factors)
      } else {
        tower[0].divideChannels(by: factors)
      }
    }
    divide(&classTower, &classOutput)
    divide(&boxTower, &boxOutput)
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    var step = head
    (step.classTower, step.classOutput) = lower(
      classTower, classOutput, 0, { .classTower($0) }, &c)
    (step.boxTower, step.boxOutput) = lower(
      boxTower, boxOutput, firstOfBoxes, { .boxTower($0) }, &c)
    return .detect(step)
  }

  private func lower(
    _ tower: [FloatMatrix], _ output: FloatMatrix, _ first: Int,
    _ role: (Int) -> Point.Role, _ c: inout Lowering
  ) -> ([PackedMatrix], PackedMatrix) {
    var source = c.input
    var packed: [PackedMatrix] = []
    for (i, matrix) in tower.enumerated() {
      let quantized = c.quantized(matrix, first + i, inputScale: source.scale)
      let made = c.choose(role(i), leastScale: quantized.leastOutputScale)
      packed.append(
        c.pack(
          quantized.fillingSegments(kernel: head.kernel), source, made, relu: true))
      source = made
    }
    return (packed, c.packReal(output, first + tower.count, source, kernel: head.kernel))
  }
}
