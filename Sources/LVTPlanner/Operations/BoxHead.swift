// SPDX-License-Identifier: Apache-2.0
internal import LVTModel
internal import LVTRuntime

/// What a stage says of regions; ``LVTModel/BoxHead`` says what it makes.
struct FloatBoxHead: FloatOperation {
  let align: RegionAlign
  var convolutions: FloatRegionConvolutions
  /// The first reads all cells, in the order row, column, channel; ReLU follows each.
  var products: [FloatMatrix]
  /// Logits, then offsets.
  var output: FloatMatrix

  var matrices: [FloatMatrix] { convolutions.matrices + products + [output] }
  var parameters: Int { matrices.reduce(0) { $0 + $1.parameters } }
  var isOfStreams: Bool { false }
  var fixedType: ElementType? { .float32 }
  var namesItsInputs: Bool { true }
  private var firstProduct: Int { convolutions.matrices.count }

  func macs(to shape: Shape) -> Int {
    let ofCells = convolutions.matrices.reduce(0) { $0 + $1.weights.count } * align.cells
    return shape.width
      * (ofCells + products.reduce(output.weights.count) { $0 + $1.weights.count })
  }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == align.strides.count + 1, let regions = inputs.last,
      regions.channels == Proposals.regionValues,
      let channels = convolutions.outputChannels(of: inputs[0].channels),
      products.first?.inputs == align.cells * channels
    else { return nil }
    return Shape(height: 1, width: regions.width, channels: output.outputs)
  }

  func run(_ inputs: [FloatMap], to shape: Shape, observe: Observer) -> [Float] {
    let levels = Array(inputs.dropLast()), found = regions(inputs[inputs.count - 1])
    let boxes = align.orWhole(found, levels)
    var rows = convolutions.applied(
      to: align.cells(of: boxes, levels), side: align.side, channels: inputs[0].shape.channels,
      first: 0, observe)
    for (i, matrix) in products.enumerated() {
      observe(.product(firstProduct + i), rows, matrix.inputs)
      rows = matrix.applied(to: rows, rows: boxes.count, relu: true)
      observe(.made(firstProduct + i), rows, matrix.outputs)
    }
    observe(.product(firstProduct + products.count), rows, output.inputs)
    let said = output.applied(to: rows, rows: boxes.count).prefix(
      found.count * shape.channels)
    return Array(said) + repeatElement(0, count: (shape.width - found.count) * shape.channels)
  }

  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {
    var factors = convolutions.equalize(first: 0, ranges)
    for i in products.indices {
      if let factors { products[i].divideChannels(by: factors) }
      factors = ranges(.made(firstProduct + i)).map {
        equalizingFactors($0.magnitudes, exponent: 0.5)
      }
      if let factors { products[i].scaleOutputs(factors) }
    }
    if let factors { output.divideChannels(by: factors) }
  }

  mutating func scale(_ factors: [Float], inputs: Set<Int>, output: Bool) -> Bool {
    guard !output, inputs == Set(align.strides.indices) else { return false }
    if convolutions.matrices.isEmpty {
      products[0].divideChannels(by: factors)
    } else {
      convolutions.matrices[0].divideChannels(by: factors)
    }
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    var step = BoxHead()
    step.align = align
    step.kernel = convolutions.kernel
    var source = c.input
    (step.convolutions, source) = convolutions.lowered(first: 0, source, &c)
    for (i, matrix) in products.enumerated() {
      var quantized = c.quantized(matrix, firstProduct + i, inputScale: source.scale)
      let made = c.choose(.made(firstProduct + i), leastScale: quantized.leastOutputScale)
      // Cells lie with the padding of their channels.
      if i == 0 {
        quantized = quantized.fillingSegments(align.cells, multiple: Shape.block)
      }
      step.products.append(c.pack(quantized, source, made, relu: true))
      source = made
    }
    step.output = c.packReal(output, firstProduct + products.count, source)
    return .boxHead(step)
  }
}
