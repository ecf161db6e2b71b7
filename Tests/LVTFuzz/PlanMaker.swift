// SPDX-License-Identifier: Apache-2.0
import LVTModel

/// Makes plans that are valid in form and extreme in content, of all operations in any order that fits.
struct PlanMaker {
  let entropy: Entropy
  let constants: ConstantMaker
  private(set) var tensors: [Tensor] = []
  private var operations: [(operation: Step.Operation, inputs: [Int], output: Int)] = []
  private var buffers = 0
  /// The tensor that the next step reads.
  private var current = 0

  /// Draws a plan.
  init(_ entropy: Entropy) {
    self.entropy = entropy
    constants = ConstantMaker(entropy)
    addFirst()
    for _ in 0..<entropy.integer(in: 1...3) { addStep() }
    addHead()
  }

  var map: Tensor { tensors[current] }

  // MARK: Steps

  private mutating func addTensor(_ shape: Shape, _ type: ElementType, inPlace: Bool = false) -> Int
  {
    let zeroPoint = type == .int16 || type == .float32 ? 0 : constants.zeroPoint()
    if !inPlace { buffers += 1 }
    tensors.append(
      Tensor(
        shape: shape, type: type,
        quantization: Quantization(scale: constants.scale(), zeroPoint: zeroPoint),
        buffer: inPlace ? map.buffer : buffers - 1))
    return tensors.count - 1
  }

  private mutating func add(_ made: MadeStep) {
    let output = addTensor(
      made.shape, made.type, inPlace: made.mayOverwrite && entropy.flag())
    operations.append(
      (made.operation, [Int](repeating: current, count: made.inputs), output))
    current = output
  }

  private mutating func addFirst() {
    let patch = entropy.element(of: [1, 2, 3, 4, 7, 8])
    if entropy.flag() {
      let shape = Shape(
        height: entropy.integer(in: 1...7), width: entropy.integer(in: 1...9),
        channels: StepMaker.channels(entropy))
      current = addTensor(
        Shape(height: shape.height * patch, width: shape.width * patch, channels: 3), .pictureRGB)
      add(StepMaker(constants, input: map).patchEmbed(patch, shape))
    } else {
      current = addTensor(
        Shape(
          height: entropy.integer(in: 1...24), width: entropy.integer(in: 1...24), channels: 3),
        .pictureRGB)
      add(StepMaker(constants, input: map).convolution(ofPicture: true))
    }
  }

  private mutating func addStep() {
    let maker = StepMaker(constants, input: map)
    let makers = map.type == .int16 ? StepMaker.ofWideMaps : StepMaker.ofMaps
    if let made = entropy.element(of: makers)(maker)() { add(made) }
  }

  private mutating func addHead() {
    add(StepMaker(constants, input: map).head())
  }

  // MARK: Memory

  /// The plan: each buffer alive while it is used, all behind each other, and the scratch behind them.
  func contents() -> PlanContents {
    var lifetimes = [Lifetime?](repeating: nil, count: buffers)
    for (i, step) in operations.enumerated() {
      for tensor in step.inputs + [step.output] {
        let first = lifetimes[tensors[tensor].buffer]?.firstStep ?? i
        lifetimes[tensors[tensor].buffer] = Lifetime(firstStep: first, lastStep: i)
      }
    }
    var end = 0
    let places = lifetimes.enumerated().map { i, lifetime in
      let bytes = tensors.filter { $0.buffer == i }.map { ($0.byteCount + 63) / 64 * 64 }.max() ?? 0
      defer { end += bytes }
      return Buffer(
        lifetime: lifetime ?? Lifetime(firstStep: 0, lastStep: 0), offset: end, byteCount: bytes)
    }
    let strip = entropy.element(of: [1, 2, 3, 4, 7, 16, 64, 65536])
    let steps = operations.map { made in
      var step = Step(made.operation, inputs: made.inputs, output: made.output)
      step.stripRows = strip
      step.placeScratch(at: end, tensors)
      return step
    }
    var contents = PlanContents()
    contents.input = InputSpec(width: tensors[0].shape.width, height: tensors[0].shape.height)
    contents.buffers = places
    contents.tensors = tensors
    contents.steps = steps
    contents.outputs = [PlanOutput(name: "classes", kind: .classes, tensor: current)]
    contents.arenaBytes = end + (steps.map(\.scratchBytes).max() ?? 0)
    return contents
  }
}
