// SPDX-License-Identifier: Apache-2.0
import LVTModel

/// Makes the steps of two-stage detectors.
struct RegionMaker {
  private let constants: ConstantMaker
  private let input: Tensor
  private let levels: [Tensor]
  private let strides: [Int]

  /// - Parameter levels: The maps that regions are read from, each with strides of its own.
  init(_ maker: StepMaker, levels: [Tensor]) {
    constants = maker.constants
    input = maker.input
    self.levels = levels
    let entropy = maker.constants.entropy
    // The work of samples beside a map is bounded by what a stride of 1 allows; few plans need be so slow.
    strides = levels.map { _ in entropy.element(of: [1, 4, 8, 16, 64, 16384]) }
  }

  private var entropy: Entropy { constants.entropy }
  private var channels: Int { levels[0].shape.channels }

  /// Pixels of the input, which need not be those of the picture.
  private func picture() -> Extent {
    let edges = [1, 9, 64, 1000, 16384]
    return Extent(height: entropy.element(of: edges), width: entropy.element(of: edges))
  }

  private func coder() -> BoxCoder {
    var coder = BoxCoder()
    // Half of all coders leave boxes about where they are.
    let limit: Float = entropy.flag() ? 65536 : 0.01
    for i in 0..<4 {
      coder.deviations[i] = constants.factor(upTo: limit)
      coder.means[i] = -constants.factor(upTo: limit)
    }
    return coder
  }

  private func kernel() -> Int { entropy.element(of: channels > 16 ? [1, 3] : [1, 3, 5]) }

  func subsample() -> MadeStep {
    var step = Subsample()
    step.stride = entropy.element(of: [1, 2, 3, 15])
    return MadeStep(
      operation: .subsample(step),
      shape: Shape(
        height: Convolution.edge(input.shape.height, stride: step.stride),
        width: Convolution.edge(input.shape.width, stride: step.stride),
        channels: input.shape.channels),
      type: .int8, quantization: input.quantization, mayOverwrite: false)
  }

  func proposals() -> MadeStep {
    var step = Proposals()
    step.picture = picture()
    step.strides = strides
    step.anchors = (0..<entropy.integer(in: 1...3)).map { _ in
      Detect.Anchor(width: 0.1 + constants.factor(upTo: 60000), height: 4)
    }
    step.coder = coder()
    step.anchorsOfLevel = entropy.element(of: [1, 2, 7, 1000])
    step.overlap = entropy.element(of: [0, 0.7, 1])
    step.regions = entropy.element(of: [1, 2, 5, 13])
    step.kernel = kernel()
    step.convolution = constants.matrix(
      kernel: step.kernel, channels: channels, entropy.element(of: [1, 8, 17]))
    step.output = constants.matrix(
      step.convolution.n, 5 * step.anchors.count, multiplier: 65536)
    return MadeStep(
      operation: .proposals(step),
      shape: Shape(height: 1, width: step.regions, channels: Proposals.regionValues),
      type: .float32, mayOverwrite: false)
  }

  /// How what all heads of a plan say is read.
  func reading() -> BoxReading {
    var reading = BoxReading()
    reading.picture = picture()
    reading.classes = entropy.element(of: [1, 2, 3, 20])
    reading.isAgnostic = entropy.flag()
    reading.coder = coder()
    return reading
  }

  /// From how many of the levels a head reads.
  func readLevels() -> Int { entropy.integer(in: 1...levels.count) }

  private func align(levels: Int) -> RegionAlign {
    var align = RegionAlign()
    align.strides = Array(strides.prefix(levels))
    align.side = entropy.element(of: [1, 2, 3, 5])
    align.samples = entropy.element(of: [0, 0, 1, 2, 9])
    align.finestScale = entropy.element(of: [.leastNonzeroMagnitude, 1, 56, 65536])
    return align
  }

  /// Up to two convolutions of cells, and the channels that they make.
  private func convolutions(kernel: Int) -> ([PackedMatrix], channels: Int) {
    var matrices: [PackedMatrix] = [], width = channels
    for _ in 0..<entropy.integer(in: 0...2) {
      matrices.append(
        constants.matrix(kernel: kernel, channels: width, entropy.element(of: [1, 8, 17])))
      width = matrices.last?.n ?? width
    }
    return (matrices, width)
  }

  func boxHead(_ reading: BoxReading, _ regions: Tensor, levels: Int) -> MadeStep {
    var step = BoxHead()
    step.align = align(levels: levels)
    step.kernel = kernel()
    let (convolutions, width) = convolutions(kernel: step.kernel)
    step.convolutions = convolutions
    var k = step.align.cells * Shape.blocks(width) * Shape.block
    for _ in 0..<entropy.integer(in: 1...2) {
      step.products.append(constants.matrix(k, entropy.element(of: [1, 8, 17])))
      k = step.products.last?.n ?? k
    }
    step.output = constants.matrix(k, reading.values, multiplier: 65536)
    return MadeStep(
      operation: .boxHead(step),
      shape: Shape(height: 1, width: regions.shape.width, channels: reading.values),
      type: .float32, mayOverwrite: false)
  }

  func refineBoxes(_ reading: BoxReading, _ regions: Tensor) -> MadeStep {
    var step = RefineBoxes()
    step.reading = reading
    return MadeStep(
      operation: .refineBoxes(step), shape: regions.shape, type: .float32, mayOverwrite: false)
  }

  func boxes(_ reading: BoxReading, stages: Int) -> MadeStep {
    var step = Boxes()
    step.reading = reading
    step.stages = stages
    step.leastScore = entropy.element(of: [0, 0.05, 0.3, 1])
    step.overlap = entropy.element(of: [0, 0.5, 1])
    step.boxes = entropy.element(of: [1, 3, 20])
    return MadeStep(
      operation: .boxes(step),
      shape: Shape(height: 1, width: step.boxes, channels: Detect.boxValues), type: .float32,
      mayOverwrite: false)
  }

  /// Masks of some classes, which boxes need not have.
  func masks(of boxes: Tensor, levels: Int) -> MadeStep {
    var step = Masks()
    step.align = align(levels: levels)
    step.kernel = kernel()
    step.classes = entropy.element(of: [1, 2, 3, 20])
    step.heads = (0..<entropy.integer(in: 1...2)).map { _ in
      var head = Masks.Head()
      let (convolutions, width) = convolutions(kernel: step.kernel)
      head.convolutions = convolutions
      let channels = entropy.element(of: [1, 7, 16, 17])
      head.upsample = constants.matrix(width, 4 * Shape.blocks(channels) * Shape.block)
      head.output = constants.matrix(
        channels, entropy.flag() ? step.classes : 1, multiplier: 65536)
      return head
    }
    return MadeStep(
      operation: .masks(step),
      shape: Shape(height: 1, width: boxes.shape.width, channels: step.side * step.side),
      type: .float32, mayOverwrite: false, result: .masks)
  }
}
