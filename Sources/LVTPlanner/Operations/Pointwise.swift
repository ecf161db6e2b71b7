// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// A product at each position, then ReLU if `relu`, plus the second input if there is one.
struct FloatPointwise: FloatOperation {
  var matrix: FloatMatrix
  let relu: Bool
  /// How a second input that is added is read; nil if nothing is.
  var residual: Resampling?
  /// Extents of the result where they are not the first input's: it is cropped, or padded with zeros.
  var extent: Extent?

  var matrices: [FloatMatrix] { [matrix] }
  var parameters: Int { matrix.parameters }
  var addedInput: Int? { residual == Resampling.none ? 1 : nil }

  func macs(to output: Shape) -> Int { output.positions * matrix.weights.count }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == (residual == nil ? 1 : 2), inputs[0].channels == matrix.inputs else {
      return nil
    }
    let extent = extent ?? Extent(of: inputs[0])
    let shape = Shape(height: extent.height, width: extent.width, channels: matrix.outputs)
    guard let residual else { return shape }
    return residual == .none
      ? (inputs[1] == shape ? shape : nil) : (inputs[1].channels == shape.channels ? shape : nil)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let source = extent == nil ? inputs[0] : inputs[0].cut(to: output)
    observe(.product(0), source.values, matrix.inputs)
    var result = matrix.applied(to: source.values, rows: output.positions, relu: relu)
    guard let residual else { return result }
    let added =
      residual == .none
      ? inputs[1] : inputs[1].resampled(to: Extent(of: output), residual)
    lvtf_add(&result, added.values, result.count)
    return result
  }

  mutating func scaleOutputs(_ factors: [Float]) -> Bool {
    guard relu, residual == nil else { return false }
    matrix.scaleOutputs(factors)
    return true
  }

  mutating func scaleInputs(_ factors: [Float]) -> Bool {
    matrix.scaleInputs(factors)
    return true
  }

  mutating func scale(_ factors: [Float], inputs: Set<Int>, output: Bool) -> Bool {
    // What is added is as large as the sum.
    guard residual == nil || inputs.contains(1) == output else { return false }
    if output { matrix.scaleOutputs(factors) }
    if inputs.contains(0) { matrix.scaleInputs(factors.map { 1 / $0 }) }
    return true
  }

  mutating func subtractFromBias(_ shift: [Float]) -> Bool {
    guard !relu else { return false }
    matrix.subtractFromBias(shift)
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    let (source, narrowing) = c.reading()
    let quantized = c.quantized(matrix, inputScale: source.scale)
    let output = c.output(leastScale: quantized.leastOutputScale, adding: c.residual)
    var step = Pointwise()
    step.narrowing = narrowing
    // A product that is added to ends as it is.
    let isAdding = residual != nil
    step.matrix = c.pack(quantized, source, output, relu: relu && !isAdding)
    step.extent = extent
    if let residual, let added = c.residual {
      var sum = Pointwise.Residual()
      sum.multiplier = added.scale / output.scale
      sum.resampling = residual
      sum.isBehindReLU = relu
      step.residual = sum
    }
    return .pointwise(step)
  }
}

extension FloatMap {
  /// The map without what is behind an end, or with zeros there.
  func cut(to extent: Shape) -> FloatMap {
    let channels = shape.channels
    var result: [Float] = []
    result.reserveCapacity(extent.positions * channels)
    let covered = min(shape.width, extent.width) * channels
    for y in 0..<extent.height {
      let filled = y < shape.height ? covered : 0
      if filled > 0 {
        let start = y * shape.width * channels
        result += values[start..<start + filled]
      }
      result += repeatElement(0, count: extent.width * channels - filled)
    }
    return FloatMap(
      values: result,
      shape: Shape(height: extent.height, width: extent.width, channels: channels))
  }

  /// The map on a grid of other extents.
  func resampled(to grid: Extent, _ resampling: Resampling) -> FloatMap {
    let channels = shape.channels
    let values = [Float](unsafeUninitializedCapacity: grid.positions * channels) { out, count in
      lvtf_resample(
        self.values, shape.height, shape.width, channels, grid.height, grid.width,
        resampling == .bilinear ? 1 : 0, out.baseAddress, channels)
      count = grid.positions * channels
    }
    return FloatMap(
      values: values, shape: Shape(height: grid.height, width: grid.width, channels: channels))
  }
}

extension FloatMatrix {
  mutating func subtractFromBias(_ shift: [Float]) {
    for o in bias.indices { bias[o] -= shift[o] }
  }
}
