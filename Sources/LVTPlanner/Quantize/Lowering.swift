// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVTModel

/// A network as steps with packed constants, before its memory is laid out.
struct LoweredNetwork {
  var steps: [Step]
  /// Of each value.
  var tensors: [Tensor]
  var outputs: [PlanOutput]
  var constants: [UInt8]
  /// How ranges were found.
  var choices: [Point: RangeChoice]
}

/// Turns each node into a step: chooses ranges, quantizes weights, packs them.
///
/// A node's operation asks here for what it needs; all that it says is of the node that is being lowered.
struct Lowering {
  let network: Network
  private let statistics: [Point: Statistics]
  private let schedule: Schedule
  var constants = ConstantsBuilder()
  private var choices: [Point: RangeChoice] = [:]
  /// What was chosen here and in lowerings of the same network before.
  private(set) var memo: ChoiceMemo
  /// Of each value, as far as they are made.
  private var quantizations: [Quantization]
  /// Whether a value is int16.
  private let isWide: [Bool]
  private var node: Graph.Node
  /// Of a value whose quantization others share, all that share it.
  private let sharing: [Graph.ValueID: [Graph.ValueID]]
  /// What the scale of values that share one has to be at least, as far as it is known; by the first of them.
  private var sharedLeast: [Graph.ValueID: Float] = [:]
  private var isSharedTooFine = false

  /// - Parameter wideStages: Stages whose residual stream is int16.
  init(
    _ network: Network, _ statistics: [Point: Statistics], wideStages: Set<Int> = [],
    schedule: Schedule = Schedule(), memo: ChoiceMemo = ChoiceMemo()
  ) {
    self.schedule = schedule
    self.memo = memo
    self.network = network
    self.statistics = statistics
    let fixed = network.graph.values.map { value in
      value.producer.flatMap { network.graph.nodes[$0].operation.fixedType }
    }
    isWide = zip(network.graph.residualStages, fixed).map { stage, type in
      type == .int16 || (stage.map { wideStages.contains($0) } ?? false)
    }
    // A pixel byte p is the int8 p − 128; mean and deviation go into the first weights.
    quantizations = network.graph.values.map { value in
      Quantization(scale: 1, zeroPoint: value.producer == nil ? -128 : 0)
    }
    node = network.graph.nodes[0]
    sharing = network.graph.sharing
  }

  /// Lowers every node; once more if one of the values that share a quantization needs a coarser one than
  /// those before it had.
  mutating func lower() -> LoweredNetwork {
    while true {
      isSharedTooFine = false
      constants = ConstantsBuilder()
      let lowered = lowerNodes()
      if !isSharedTooFine { return lowered }
    }
  }

  private mutating func lowerNodes() -> LoweredNetwork {
    let graph = network.graph
    var steps: [Step] = []
    for next in graph.nodes {
      node = next
      var step = Step(
        node.operation.lower(&self), inputs: node.inputs, output: node.output)
      step.stripRows = schedule.stripRows(step.operation, positions: outputShape.positions)
      steps.append(step)
    }
    let tensors = graph.values.indices.map { value in
      Tensor(
        shape: graph.values[value].shape, type: type(of: value),
        quantization: quantizations[value], buffer: 0)
    }
    return LoweredNetwork(
      steps: steps, tensors: tensors,
      outputs: graph.outputs.map { PlanOutput(name: $0.name, kind: $0.kind, tensor: $0.value) },
      constants: constants.bytes, choices: choices)
  }

  private func type(of value: Graph.ValueID) -> ElementType {
    guard let producer = network.graph.values[value].producer else { return .pictureRGB }
    if let type = network.graph.nodes[producer].operation.fixedType { return type }
    return isWide[value] ? .int16 : .int8
  }

  // MARK: Operands

  /// The first input.
  var input: Quantization { quantizations[node.inputs[0]] }
  var inputShape: Shape { network.graph.values[node.inputs[0]].shape }
  var outputShape: Shape { network.graph.values[node.output].shape }
  /// Whether the first input is the picture.
  var readsPicture: Bool { network.graph.values[node.inputs[0]].producer == nil }
  /// What is known of the first input; nothing of the picture.
  var inputStatistics: Statistics? { statistics[Point(value: node.inputs[0], role: .output)] }
  /// Every input: its extents, and what its integers stand for.
  var inputs: [(shape: Shape, quantization: Quantization)] {
    node.inputs.map { (shape: network.graph.values[$0].shape, quantization: quantizations[$0]) }
  }
  /// The second input, if there is one.
  var residual: Quantization? {
    node.inputs.count > 1 ? quantizations[node.inputs[1]] : nil
  }

  /// What is known of the node's values of a role.
  func statistics(_ role: Point.Role) -> Statistics? {
    statistics[Point(value: node.output, role: role)]
  }

  // MARK: Ranges

  /// The quantization of what the node makes: int16 with room for twice what calibration saw, or the
  /// best int8 one.
  ///
  /// - Parameter residual: What is added to it; one step of its integers may be at most 2¹⁴ of the output's.
  mutating func output(
    leastScale: Float = 0, adding residual: Quantization? = nil
  ) -> Quantization {
    let leastScale = max(leastScale, (residual?.scale ?? 0) * 0x1p-14)
    let output =
      isWide[node.output]
      ? Quantization(scale: wideScale(.output, least: leastScale), zeroPoint: 0)
      : choose(.output, leastScale: leastScale)
    quantizations[node.output] = output
    return output
  }

  /// How an int8 product reads the first input.
  mutating func reading() -> (Quantization, Narrowing?) {
    let value = node.inputs[0], held = quantizations[value]
    guard isWide[value] else { return (held, nil) }
    let source = choose(
      Point(value: value, role: .output), RangeRequest(leastScale: held.scale * 0x1p-14))
    var narrowing = Narrowing()
    narrowing.multiplier = held.scale / source.scale
    narrowing.zeroPoint = source.zeroPoint
    return (source, narrowing)
  }

  /// The quantization of the node's values of a role.
  mutating func choose(
    _ role: Point.Role, leastScale: Float = 0, symmetric: Bool = false,
    transform: RangeRequest.Transform = .identity
  ) -> Quantization {
    choose(
      Point(value: node.output, role: role),
      RangeRequest(leastScale: leastScale, symmetric: symmetric, transform: transform))
  }

  /// Remembered for the report.
  private mutating func choose(_ point: Point, _ request: RangeRequest) -> Quantization {
    if point.role == .output, let values = sharing[point.value] {
      return chooseShared(values, request)
    }
    guard let known = statistics[point] else { preconditionFailure("\(point) was not observed") }
    let choice = memo.choice(point, request, known)
    choices[point] = choice
    return choice.quantization
  }

  /// One quantization for several values.
  private mutating func chooseShared(
    _ values: [Graph.ValueID], _ request: RangeRequest
  ) -> Quantization {
    let points = values.map { Point(value: $0, role: .output) }
    var request = request
    let least = sharedLeast[values[0]] ?? request.leastScale
    isSharedTooFine = isSharedTooFine || request.leastScale > least
    request.leastScale = max(request.leastScale, least)
    sharedLeast[values[0]] = request.leastScale
    let choice = memo.choice(
      points[0], request, Statistics(joining: points.compactMap { statistics[$0] }))
    for point in points { choices[point] = choice }
    return choice.quantization
  }

  /// What the node makes has the quantization of the first input.
  mutating func outputIsQuantizedAsInput() { quantizations[node.output] = input }

  /// The scale of an int16 value: room for twice what calibration saw.
  func wideScale(_ role: Point.Role, least: Float) -> Float {
    let largest = statistics(role).map { max(-$0.low, $0.high) } ?? 1
    return ScaleLimits.scale(max(2 * largest / 32639, least))
  }

  /// The int16 mean over the positions of a map that has as many as the input: its scale, no finer than
  /// twice what one position's smallest step gives, which keeps the multiplier at 0.5 or below.
  func mean(of map: Quantization) -> (scale: Float, multiplier: Float) {
    let positions = Float(inputShape.positions)
    let scale = wideScale(.pooled, least: 2 * map.scale / positions)
    return (scale, map.scale / positions / scale)
  }

  /// The int16 maximum over the positions of a map.
  func maximum(of map: Quantization) -> (scale: Float, multiplier: Float) {
    let scale = wideScale(.pooled, least: map.scale / 256)
    return (scale, map.scale / scale)
  }

  // MARK: Weights

  /// Rounds the matrix of a product.
  ///
  /// - Parameters:
  ///   - product: Its number among the node's products.
  ///   - inputZeroPoints: Of each input, again and again until all have one; folded into the bias.
  ///   - moments: Makes of what calibration knows of the product's inputs what it would know of the matrix's.
  mutating func quantized(
    _ matrix: FloatMatrix, _ product: Int = 0, inputScale: Float, inputZeroPoints: [Int] = [0],
    moments: (InputMoments) -> InputMoments = { $0 }
  ) -> QuantizedMatrix {
    quantized(
      matrix, .product(product), inputScale: inputScale, inputZeroPoints: inputZeroPoints,
      moments: moments)
  }

  /// Rounds a matrix that reads what was observed in a role.
  mutating func quantized(
    _ matrix: FloatMatrix, _ role: Point.Role, inputScale: Float, inputZeroPoints: [Int] = [0],
    moments: (InputMoments) -> InputMoments = { $0 }
  ) -> QuantizedMatrix {
    let point = Point(value: node.output, role: role)
    guard let known = statistics[point]?.moments else {
      preconditionFailure("\(point) was not observed")
    }
    let inputs = moments(known)
    return QuantizedMatrix(
      matrix, inputScale: inputScale, inputZeroPoints: inputZeroPoints,
      bestScales: memo.bestScales(point, matrix), means: inputs.means
    ) { memo.rounded(point, matrix, scales: $0, inputs) }
  }

  /// Rounds the matrix of a product of int16 inputs.
  mutating func wide(_ matrix: FloatMatrix, _ product: Int = 0, inputScale: Float) -> WideMatrix {
    WideMatrix(matrix, inputScale: inputScale) {
      quantized($0, product, inputScale: inputScale)
    }
  }

  // MARK: Constants

  mutating func pack(_ wide: WideMatrix, outputScale: Float) -> PackedMatrix {
    constants.append(
      wide.matrix, multipliers: wide.matrix.multipliers(outputScale: outputScale),
      inputZeroPoint: 0, outputZeroPoint: 0, lowerBound: -128)
  }

  mutating func pack(
    _ matrix: QuantizedMatrix, _ input: Quantization, _ output: Quantization, relu: Bool = false
  ) -> PackedMatrix {
    constants.append(
      matrix, multipliers: matrix.multipliers(outputScale: output.scale),
      inputZeroPoint: input.zeroPoint, outputZeroPoint: output.zeroPoint,
      lowerBound: relu ? output.zeroPoint : -128)
  }

  /// Packs a matrix, on the neighbourhoods of a kernel, whose sums become real numbers.
  mutating func packReal(
    _ matrix: FloatMatrix, _ product: Int, _ source: Quantization, kernel: Int = 1
  ) -> PackedMatrix {
    let quantized = quantized(matrix, product, inputScale: source.scale)
    return pack(
      quantized.fillingSegments(kernel: kernel), source, Quantization(scale: 1, zeroPoint: 0))
  }

  /// Packs a matrix whose bias knows what zero is in its inputs.
  mutating func packFolded(
    _ matrix: QuantizedMatrix, _ output: Quantization, relu: Bool
  ) -> PackedMatrix {
    pack(matrix, Quantization(scale: 1, zeroPoint: 0), output, relu: relu)
  }

  mutating func append(
    _ norm: FloatNorm, inputScale: Float, output: Quantization
  ) -> LayerNorm {
    var packed = LayerNorm()
    packed.channels = norm.gamma.count
    packed.gammaOffset = constants.append(norm.gamma.map { Self.limited($0 / output.scale) })
    packed.betaOffset = constants.append(norm.beta.map { Self.limited($0 / output.scale) })
    packed.epsilon = Self.epsilon(norm.epsilon, unit: inputScale)
    packed.outputZeroPoint = output.zeroPoint
    return packed
  }

  /// The table of GELU between two quantizations.
  mutating func appendGELU(_ hidden: Quantization, _ activated: Quantization) -> Int {
    constants.append(
      table: (-128...127).map { activated.quantized(gelu(hidden.value(of: $0))) })
  }

  /// A factor or a bias in units of the output, within what a plan may hold and beyond all that rounds to
  /// int8 or int16.
  static func limited(_ value: Float) -> Float { max(-0x1p24, min(0x1p24, value)) }

  /// ε for integers that stand for multiples of `unit`, within what a plan may hold.
  static func epsilon(_ epsilon: Float, unit: Float) -> Float {
    max(0x1p-40, min(.greatestFiniteMagnitude, epsilon / (unit * unit)))
  }
}

extension Graph {
  /// Of each value whose quantization others share, all that share it.
  fileprivate var sharing: [ValueID: [ValueID]] {
    var sharing: [ValueID: [ValueID]] = [:]
    for node in nodes where node.operation.sharesInputs {
      for value in node.inputs { sharing[value] = node.inputs }
    }
    return sharing
  }
}

/// GELU: x / 2 · (1 + erf(x / √2)).
func gelu(_ x: Float) -> Float { Float(Double(x) / 2 * (1 + erf(Double(x) / 2.0.squareRoot()))) }
