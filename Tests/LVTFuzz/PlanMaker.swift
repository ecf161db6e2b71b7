// SPDX-License-Identifier: Apache-2.0
import LVTModel

/// Makes plans that are valid in form and extreme in content, of all operations in any order that fits.
struct PlanMaker {
  let entropy: Entropy
  let constants: ConstantMaker
  private(set) var tensors: [Tensor] = []
  private var operations: [(operation: Step.Operation, inputs: [Int], output: Int)] = []
  private var buffers = 0
  private var outputs: [PlanOutput] = []
  /// The tensor that the next step reads.
  private var current = 0

  /// Draws a plan.
  init(_ entropy: Entropy) {
    self.entropy = entropy
    constants = ConstantMaker(entropy)
    addFirst()
    for _ in 0..<entropy.integer(in: 1...3) { addStep() }
    addHead()
    addMaps()
  }

  var map: Tensor { tensors[current] }

  // MARK: Steps

  /// The tensors that their buffers hold, none written over.
  private var held: [Int] {
    tensors.indices.filter { i in !tensors[(i + 1)...].contains { $0.buffer == tensors[i].buffer } }
  }

  private mutating func addTensor(
    _ shape: Shape, _ type: ElementType, _ quantization: Quantization? = nil,
    inBufferOf other: Int? = nil
  ) -> Int {
    let zeroPoint =
      type == .int16 || type == .float32 || type == .labels ? 0 : constants.zeroPoint()
    if other == nil { buffers += 1 }
    tensors.append(
      Tensor(
        shape: shape, type: type,
        quantization: quantization
          ?? Quantization(scale: constants.scale(), zeroPoint: zeroPoint),
        buffer: other.map { tensors[$0].buffer } ?? buffers - 1))
    return tensors.count - 1
  }

  private mutating func add(_ made: MadeStep) {
    add(made, inputs: [current] + (made.residual.map { [$0] } ?? []) + made.others)
  }

  private mutating func add(_ made: MadeStep, inputs: [Int]) {
    let output = addTensor(
      made.shape, made.type, made.quantization,
      inBufferOf: overwritable(made).flatMap { entropy.flag() ? $0 : nil })
    operations.append((made.operation, inputs, output))
    current = output
  }

  /// The input that the step may write over, if there is one.
  private func overwritable(_ made: MadeStep) -> Int? {
    if let residual = made.residual { return residual == current ? nil : residual }
    return made.mayOverwrite ? current : nil
  }

  private var maker: StepMaker {
    StepMaker(constants, input: map, held: held.map { ($0, tensors[$0]) })
  }

  private mutating func addFirst() {
    let patch = entropy.element(of: [1, 2, 3, 4, 7, 8])
    if entropy.flag() {
      let shape = Shape(
        height: entropy.integer(in: 1...7), width: entropy.integer(in: 1...9),
        channels: StepMaker.channels(entropy))
      current = addTensor(
        Shape(height: shape.height * patch, width: shape.width * patch, channels: 3), .pictureRGB)
      add(maker.patchEmbed(patch, shape))
    } else {
      current = addTensor(
        Shape(
          height: entropy.integer(in: 1...24), width: entropy.integer(in: 1...24), channels: 3),
        .pictureRGB)
      add(maker.convolution(ofPicture: true))
    }
  }

  private mutating func addStep() {
    let makers = map.type == .int16 ? StepMaker.ofWideMaps : StepMaker.ofMaps
    if let made = entropy.element(of: makers)(maker)() { add(made) }
  }

  private mutating func addHead() {
    let picture = tensors[0].shape, map = current
    if self.map.type == .int8, entropy.integer(in: 0...3) == 0 { return addTwoStages() }
    let made =
      switch entropy.integer(in: 0...2) {
      case 0: maker.labelPixels(picture) ?? maker.detect(picture, index: current) ?? maker.head()
      default: maker.head()
      }
    add(made)
    outputs.append(PlanOutput(name: "head", kind: made.result ?? .map, tensor: current))
    if made.result == .detections, entropy.flag() {
      addMasks(RegionMaker(maker, levels: [tensors[map]]), levels: [map])
    }
  }

  /// Regions of the map and perhaps of coarser ones, one or two heads, boxes, and perhaps masks.
  private mutating func addTwoStages() {
    var levels = [current]
    for _ in 0..<entropy.integer(in: 0...2) {
      add(RegionMaker(maker, levels: []).subsample())
      levels.append(current)
    }
    let maker = RegionMaker(maker, levels: levels.map { tensors[$0] })
    add(maker.proposals(), inputs: levels)
    var regions = current, said: [Int] = []
    let reading = maker.reading()
    for stage in 0..<entropy.integer(in: 1...2) {
      if stage > 0 {
        add(maker.refineBoxes(reading, tensors[regions]), inputs: [regions, said[stage - 1]])
        regions = current
      }
      let read = maker.readLevels()
      add(
        maker.boxHead(reading, tensors[regions], levels: read),
        inputs: levels.prefix(read) + [regions])
      said.append(current)
    }
    add(maker.boxes(reading, stages: said.count), inputs: [regions] + said)
    outputs.append(PlanOutput(name: "head", kind: .detections, tensor: current))
    if entropy.flag() { addMasks(maker, levels: levels) }
  }

  /// Masks of the boxes that were made last.
  private mutating func addMasks(_ maker: RegionMaker, levels: [Int]) {
    let read = maker.readLevels()
    add(maker.masks(of: map, levels: read), inputs: levels.prefix(read) + [current])
    outputs.append(PlanOutput(name: "masks", kind: .masks, tensor: current))
  }

  /// Maps that are there at the end are results too, now and then.
  private mutating func addMaps() {
    let maps = held.filter { tensors[$0].type == .int8 || tensors[$0].type == .int16 }
    for map in maps where entropy.integer(in: 0...3) == 0 {
      outputs.append(PlanOutput(name: "map \(map)", kind: .map, tensor: map))
    }
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
    for output in outputs {
      lifetimes[tensors[output.tensor].buffer]?.lastStep = operations.count - 1
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
    contents.outputs = outputs
    contents.arenaBytes = end + (steps.map(\.scratchBytes).max() ?? 0)
    return contents
  }
}

extension PlanMaker {
  /// The bytes of a seed, as ``Fuzzer/madePlans`` takes them.
  static func input(_ seed: UInt64) -> [UInt8] {
    var generator = SplitMix64(seed: seed)
    return (0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  /// The file of a seed's plan if it is a two-stage detector's of no more work than an input may be.
  static func smallDetector(_ seed: UInt64) -> [UInt8]? {
    input(seed).withUnsafeBytes {
      let maker = PlanMaker(Entropy($0)), contents = maker.contents()
      guard contents.steps.contains(where: { $0.operation.name == "boxHead" }) else { return nil }
      let file = contents.encoded(constants: maker.constants.bytes, hashed: false)
      let plan = file.withUnsafeBytes { try? Plan(copying: $0, limits: PlanTrial.limits) }
      return plan == nil ? nil : file
    }
  }
}
