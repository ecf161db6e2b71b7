// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// A K × K convolution with padding (K − 1) / 2 over maps side by side on one grid, an activation, and a product
/// at each position if there is one.
struct FloatConvolution: FloatOperation {
  /// What follows a convolution.
  enum Activation: Sendable {
    case none, relu, gelu
  }

  /// K, odd.
  let kernel: Int
  /// Rows and columns of the grid from one output position to the next.
  var stride = 1
  /// How each input is read.
  var sources: [Resampling] = [.none]
  /// The grid where no input is read as it is.
  var grid: Extent?
  /// K² · channels of all inputs in the order row, column, input, channel.
  var matrix: FloatMatrix
  let activation: Activation
  /// A product of what the activation makes.
  var project: FloatMatrix?
  /// Whether it makes int16.
  var makesInt16 = false

  var matrices: [FloatMatrix] { [matrix] + (project.map { [$0] } ?? []) }
  var parameters: Int { matrix.parameters + (project?.parameters ?? 0) }
  var isOfStreams: Bool { false }
  var fixedType: ElementType? { makesInt16 ? .int16 : nil }

  func macs(to output: Shape) -> Int {
    output.positions * (matrix.weights.count + (project?.weights.count ?? 0))
  }

  func outputShape(of inputs: [Shape]) -> Shape? {
    let channels = inputs.reduce(0) { $0 + $1.channels }
    guard inputs.count == sources.count, let grid = grid(of: inputs),
      channels * kernel * kernel == matrix.inputs,
      project?.inputs ?? matrix.outputs == matrix.outputs,
      zip(sources, inputs).allSatisfy({ $0 != .none || Extent(of: $1) == grid })
    else { return nil }
    return Shape(
      height: Convolution.edge(grid.height, stride: stride),
      width: Convolution.edge(grid.width, stride: stride),
      channels: project?.outputs ?? matrix.outputs)
  }

  private func grid(of inputs: [Shape]) -> Extent? {
    grid ?? zip(sources, inputs).first { $0.0 == .none }.map { Extent(of: $0.1) }
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    guard let grid = grid(of: inputs.map(\.shape)) else { return [] }
    let map = sources == [.none] ? inputs[0] : joined(inputs, grid)
    let sums = matrix.convolved(
      map, kernel: kernel, stride: stride, to: output, relu: activation == .relu, product: 0,
      observe)
    let hidden = activated(sums, observe)
    guard let project else { return hidden }
    observe(.activated, hidden, matrix.outputs)
    observe(.product(1), hidden, project.inputs)
    return project.applied(to: hidden, rows: output.positions)
  }

  private func activated(_ sums: [Float], _ observe: Observer) -> [Float] {
    guard activation == .gelu else { return sums }
    observe(.hidden, sums, matrix.outputs)
    var result = sums
    lvtf_gelu(&result, result.count)
    return result
  }

  /// The inputs side by side on the grid.
  private func joined(_ inputs: [FloatMap], _ grid: Extent) -> FloatMap {
    let channels = inputs.reduce(0) { $0 + $1.shape.channels }
    var values = [Float](repeating: 0, count: grid.positions * channels)
    values.withUnsafeMutableBufferPointer { values in
      var first = 0
      for (input, source) in zip(inputs, sources) {
        lvtf_resample(
          input.values, input.shape.height, input.shape.width, input.shape.channels, grid.height,
          grid.width, source == .bilinear ? 1 : 0, values.baseAddress.map { $0 + first }, channels)
        first += input.shape.channels
      }
    }
    return FloatMap(
      values: values, shape: Shape(height: grid.height, width: grid.width, channels: channels))
  }

  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {
    guard activation == .relu, var project, let activated = ranges(.activated) else { return }
    let factors = equalizingFactors(activated.magnitudes, exponent: 0.5)
    matrix.scaleOutputs(factors)
    project.scaleInputs(factors.map { 1 / $0 })
    self.project = project
  }

  mutating func scaleOutputs(_ factors: [Float]) -> Bool {
    guard activation == .relu, project == nil else { return false }
    matrix.scaleOutputs(factors)
    return true
  }

  mutating func scaleInputs(_ factors: [Float]) -> Bool {
    guard sources.count == 1 else { return false }
    matrix.scaleInputs((0..<matrix.inputs).map { factors[$0 % factors.count] })
    return true
  }

  mutating func scale(_ factors: [Float], inputs: Set<Int>, output: Bool) -> Bool {
    // Several inputs' channels stand side by side, of which only their own factors are known.
    guard inputs.isEmpty || sources.count == 1, activation != .gelu || !output else { return false }
    if output, var project {
      project.scaleOutputs(factors)
      self.project = project
    } else if output {
      matrix.scaleOutputs(factors)
    }
    return inputs.isEmpty || scaleInputs(factors.map { 1 / $0 })
  }

  mutating func subtractFromBias(_ shift: [Float]) -> Bool {
    if var project {
      project.subtractFromBias(shift)
      self.project = project
      return true
    }
    guard activation != .relu else { return false }
    matrix.subtractFromBias(shift)
    return true
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    var step = Convolution()
    step.kernel = kernel
    step.stride = stride
    step.sources = sources
    step.extent = grid
    let quantized: QuantizedMatrix
    if c.readsPicture {
      let mean = c.network.mean
      let nearest = mean.map { max(0, min(255, (255 * $0).rounded())) }
      step.outside = SIMD4(
        (nearest + [FloatMatrix.outsideValue]).map { Int8(Int($0) - 128) })
      let network = c.network
      quantized = c.quantized(
        matrix.onBytes(of: network).withOutside(mean: mean, nearest: nearest),
        inputScale: c.input.scale, inputZeroPoints: [c.input.zeroPoint]
      ) { $0.onBytes(of: network).withOutside() }
    } else {
      quantized = quantizedOnMaps(&c)
    }
    let filled = quantized.fillingSegments(kernel: kernel)
    var hidden = Quantization(scale: 1, zeroPoint: 0)
    if activation == .gelu {
      hidden = c.choose(.hidden, leastScale: quantized.leastOutputScale, transform: .gelu)
    }
    guard let project else {
      let output = c.output(leastScale: activation == .gelu ? 0 : quantized.leastOutputScale)
      step.matrix = c.packFolded(
        filled, activation == .gelu ? hidden : output, relu: activation == .relu)
      if activation == .gelu { step.tableOffset = c.appendGELU(hidden, output) }
      return .convolution(step)
    }
    let activated = c.choose(
      .activated, leastScale: activation == .gelu ? 0 : quantized.leastOutputScale)
    let second = c.quantized(project, 1, inputScale: activated.scale)
    let output = c.output(leastScale: second.leastOutputScale)
    step.matrix = c.packFolded(
      filled, activation == .gelu ? hidden : activated, relu: activation == .relu)
    if activation == .gelu { step.tableOffset = c.appendGELU(hidden, activated) }
    step.project = c.pack(second, activated, output)
    return .convolution(step)
  }

  /// The matrix on the integers of its inputs, whose scales are those of its weights' columns: sums are in one
  /// unit whatever the sources' scales.
  private func quantizedOnMaps(_ c: inout Lowering) -> QuantizedMatrix {
    var scales: [Float] = [], zeroPoints: [Int] = []
    for input in c.inputs {
      let count = input.shape.channels, q = input.quantization
      scales += repeatElement(q.scale, count: count)
      zeroPoints += repeatElement(q.zeroPoint, count: count)
    }
    var onIntegers = matrix
    let factors = (0..<matrix.inputs).map { scales[$0 % scales.count] }
    onIntegers.scaleInputs(factors)
    return c.quantized(onIntegers, inputScale: 1, inputZeroPoints: zeroPoints) {
      $0.scaled(factors.map { 1 / Double($0) })
    }
  }
}

extension FloatMatrix {
  /// A fourth input for each tap of a matrix on pixels, `outsideValue` where the tap is outside the picture:
  /// its weight makes up what the nearest whole colour is off the mean.
  fileprivate func withOutside(mean: [Float], nearest: [Float]) -> FloatMatrix {
    var extended: [Float] = []
    for start in stride(from: 0, to: weights.count, by: 3) {
      let colours = weights[start..<start + 3]
      let off = zip(colours, zip(mean, nearest)).reduce(Float(0)) {
        $0 + $1.0 * (255 * $1.1.0 - $1.1.1)
      }
      extended += colours + [off / Self.outsideValue]
    }
    return FloatMatrix(
      inputs: inputs / 3 * Convolution.pictureChannels, outputs: outputs, weights: extended,
      bias: bias)
  }

  /// Two of a weight's steps make up for three colours that are half a grey level off, three at most.
  fileprivate static let outsideValue: Float = 2
}
