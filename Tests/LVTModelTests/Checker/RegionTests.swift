// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport
import Testing

@testable import LVTModel

extension PlanCheckerTests {
  /// The steps of a two-stage detector.
  @Suite struct RegionTests {
    /// A map of 6 channels and a coarser one, 7 regions, two stages of 2 classes, 5 boxes, and their masks.
    ///
    /// The tensors are 1 the map, 2 the coarser one, 3 regions, 4 what the first head says, 5 regions, 6 what the second
    /// one says, 7 boxes, 8 masks; each step makes the tensor behind its index.
    private struct Detector {
      var plan = HandmadePlan(height: 4, width: 4)
      var subsample = Subsample(), proposals = Proposals(), head = BoxHead()
      var refine = RefineBoxes(), boxes = Boxes(), masks = Masks()

      init() {
        let picture = Extent(height: 4, width: 4)
        let map = plan.addMap(channels: 6)
        subsample.stride = 2
        let coarser = plan.add(
          .subsample(subsample), inputs: [map], Shape(height: 2, width: 2, channels: 6))

        proposals.picture = picture
        proposals.strides = [1, 2]
        proposals.anchors = [
          Detect.Anchor(width: 4, height: 4), Detect.Anchor(width: 2, height: 8),
        ]
        proposals.regions = 7
        proposals.kernel = 3
        proposals.convolution = plan.matrix(k: 60, n: 8)
        proposals.output = plan.matrix(k: 8, n: 10)
        let rows = Shape(height: 1, width: 7, channels: 5)
        let regions = plan.add(.proposals(proposals), inputs: [map, coarser], rows, .float32)

        head.align = align(side: 2)
        head.kernel = 3
        head.convolutions = [plan.matrix(k: 60, n: 32)]
        head.products = [plan.matrix(k: 4 * 32, n: 12), plan.matrix(k: 12, n: 9)]
        head.output = plan.matrix(k: 9, n: 11)
        let said = Shape(height: 1, width: 7, channels: 11)
        let first = plan.add(.boxHead(head), inputs: [map, coarser, regions], said, .float32)

        refine.reading.picture = picture
        refine.reading.classes = 2
        let moved = plan.add(.refineBoxes(refine), inputs: [regions, first], rows, .float32)
        var next = head
        next.convolutions = []
        next.products = [plan.matrix(k: 4 * 16, n: 9)]
        next.output = plan.matrix(k: 9, n: 11)
        let second = plan.add(.boxHead(next), inputs: [map, coarser, moved], said, .float32)

        boxes.reading = refine.reading
        boxes.stages = 2
        boxes.boxes = 5
        let objects = plan.add(
          .boxes(boxes), inputs: [moved, first, second],
          Shape(height: 1, width: 5, channels: 6), .float32)

        masks.align = align(side: 3)
        masks.kernel = 3
        masks.classes = 2
        var mask = Masks.Head()
        mask.convolutions = [plan.matrix(k: 60, n: 5)]
        mask.upsample = plan.matrix(k: 5, n: 64)
        mask.output = plan.matrix(k: 7, n: 2)
        masks.heads = [mask]
        mask.convolutions = []
        mask.upsample = plan.matrix(k: 6, n: 64)
        mask.output = plan.matrix(k: 7, n: 1)
        masks.heads.append(mask)
        let shapes = plan.add(
          .masks(masks), inputs: [map, coarser, objects],
          Shape(height: 1, width: 5, channels: 36), .float32)
        plan.addOutput("boxes", .detections, objects)
        plan.addOutput("masks", .masks, shapes)
      }

      private func align(side: Int) -> RegionAlign {
        var align = RegionAlign()
        align.strides = [1, 2]
        align.side = side
        return align
      }
    }

    private static let detector = Detector()
    private static let plan = detector.plan.placed()
    static let subsample = CheckedStep(detector.plan, 1, detector.subsample) { .subsample($0) }
    static let proposals = CheckedStep(detector.plan, 2, detector.proposals) { .proposals($0) }
    static let head = CheckedStep(detector.plan, 3, detector.head) { .boxHead($0) }
    static let refine = CheckedStep(detector.plan, 4, detector.refine) { .refineBoxes($0) }
    static let boxes = CheckedStep(detector.plan, 6, detector.boxes) { .boxes($0) }
    static let masks = CheckedStep(detector.plan, 7, detector.masks) { .masks($0) }

    @Test func subsampleIsChecked() {
      Self.plan.expectValid()
      for stride in [0, 16] {
        Self.subsample.expectInvalid("a stride of 1 ... 15") { $0.stride = stride }
      }
      Self.subsample.expectInvalid("an output of 4×4×6") { $0.stride = 1 }
      for quantization in [
        Quantization(scale: 2, zeroPoint: 0), Quantization(scale: 1, zeroPoint: 1),
      ] {
        Self.plan.expectInvalid("step 1: expected the input's quantization") {
          $0.contents.tensors[2].quantization = quantization
        }
      }
    }

    // MARK: Proposals

    @Test func everyFieldOfProposalsIsChecked() {
      let checked = Self.proposals
      checked.expectSound()
      checked.expectChecked(kernel: \.kernel)
      checked.expectChecked(matrix: \.convolution)
      checked.expectChecked(matrix: \.output)
      checked.expectMultipliers(\.output)
      for edge in [0, 16385] {
        checked.expectInvalid("expected a picture") { $0.picture.height = edge }
        checked.expectInvalid("expected a picture") { $0.picture.width = edge }
      }
      for stride in [0, 16385] {
        checked.expectInvalid("strides of 1 ... 16384") { $0.strides[1] = stride }
      }
      checked.expectInvalid("expected 1 inputs, found 2") { $0.strides = [1] }
      checked.expectInvalid("levels: expected at most 8 entries") {
        $0.strides = [Int](repeating: 1, count: 9)
      }
      checked.expectInvalid("at least one anchor") { $0.anchors = [] }
      checked.expectInvalid("a matrix of 8 by 5") { $0.anchors.removeLast() }
      checked.expectInvalid("anchors: expected at most 64 entries") {
        $0.anchors = [Detect.Anchor](repeating: $0.anchors[0], count: 65)
      }
      for side in [0, -1, Float(65536).nextUp, .nan, .infinity] {
        checked.expectInvalid("anchors of at most") { $0.anchors[1].width = side }
        checked.expectInvalid("anchors of at most") { $0.anchors[1].height = side }
      }
      checked.expectCoder(\.coder)
      for count in [0, 16385] {
        checked.expectInvalid("anchors of a level") { $0.anchorsOfLevel = count }
      }
      for overlap in [-0.1, Float(1).nextUp, .nan] {
        checked.expectInvalid("an overlap of 0 ... 1") { $0.overlap = overlap }
      }
      for regions in [0, 6, 8] {
        checked.expectInvalid("an output of 1×\(regions)×5") { $0.regions = regions }
      }
    }

    @Test func levelsOfProposalsShareOneQuantization() {
      // A product may have another one, in place of what would have the level's.
      Self.plan.expectInvalid("step 2: expected levels of one quantization") {
        var product = Pointwise()
        product.matrix = $0.matrix(k: 6, n: 6)
        product.extent = Extent(height: 2, width: 2)
        $0.contents.steps[1].operation = .pointwise(product)
        $0.contents.tensors[2].quantization.scale = 2
        $0.place()
      }
    }

    // MARK: Heads

    /// Expects every field of a step's way to cells to be checked.
    private func expectAlign<T>(
      _ checked: CheckedStep<T>, _ align: WritableKeyPath<T, RegionAlign>,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      func expectInvalid(_ words: String, _ change: (inout RegionAlign) -> Void) {
        checked.expectInvalid(words, sourceLocation: sourceLocation) {
          change(&$0[keyPath: align])
        }
      }
      expectInvalid("expected 1 inputs, found 3") { $0.strides = [] }
      expectInvalid("expected 2 inputs, found 3") { $0.strides = [1] }
      expectInvalid("levels: expected at most 8 entries") {
        $0.strides = [Int](repeating: 1, count: 9)
      }
      for stride in [0, 16385] {
        expectInvalid("strides of 1 ... 16384") { $0.strides[1] = stride }
      }
      for side in [0, 65] { expectInvalid("regions of 1 ... 64 cells") { $0.side = side } }
      expectInvalid("0 ... 64 samples") { $0.samples = 65 }
      for scale in [0, -1, Float(65536).nextUp, .nan, .infinity] {
        expectInvalid("a scale of at most 65536") { $0.finestScale = scale }
      }
    }

    @Test func everyFieldOfABoxHeadIsChecked() {
      let checked = Self.head
      checked.expectSound()
      expectAlign(checked, \.align)
      checked.expectChecked(kernel: \.kernel)
      checked.expectChecked(matrix: \.convolutions[0])
      checked.expectChecked(matrix: \.products[0])
      checked.expectChecked(matrix: \.products[1])
      checked.expectChecked(matrix: \.output, changesForm: true)
      checked.expectMultipliers(\.output)
      checked.expectInvalid("a matrix of 288 by 12") { $0.align.side = 3 }
      checked.expectInvalid("a matrix of 64 by 12") { $0.convolutions = [] }
      checked.expectInvalid("at least one product of regions") { $0.products = [] }
      checked.expectInvalid("convolutions of regions: expected at most 16 entries") {
        $0.convolutions = [PackedMatrix](repeating: $0.convolutions[0], count: 17)
      }
      checked.expectInvalid("products of regions: expected at most 16 entries") {
        $0.products = [PackedMatrix](repeating: $0.products[0], count: 17)
      }
    }

    @Test func aHeadReadsFromLevels() {
      Self.plan.expectInvalid("step 3: expected at least one level") {
        var step = Self.head.step
        step.align.strides = []
        $0.contents.steps[3].operation = .boxHead(step)
        $0.contents.steps[3].inputs = [3]
      }
    }

    @Test func convolutionsMakeNoMoreChannelsThanAMapHas() {
      Self.head.plan.expectInvalid("at most 16384 channels, found 16385") {
        var step = Self.head.step
        step.kernel = 1
        step.convolutions = [$0.matrix(k: 6, n: 16385)]
        $0.contents.steps[3].operation = .boxHead(step)
      }
    }

    // MARK: What heads say

    /// Expects every field of what a step reads heads with to be checked.
    private func expectReading<T>(
      _ checked: CheckedStep<T>, _ reading: WritableKeyPath<T, BoxReading>,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      func expectInvalid(_ words: String, _ change: (inout BoxReading) -> Void) {
        checked.expectInvalid(words, sourceLocation: sourceLocation) {
          change(&$0[keyPath: reading])
        }
      }
      for edge in [0, 16385] {
        expectInvalid("expected a picture") { $0.picture.height = edge }
        expectInvalid("expected a picture") { $0.picture.width = edge }
      }
      for classes in [0, 8193] { expectInvalid("1 ... 8192 classes") { $0.classes = classes } }
      expectInvalid("16 values of 7 regions, found 1×7×11") { $0.classes = 3 }
      expectInvalid("7 values of 7 regions, found 1×7×11") { $0.isAgnostic = true }
      checked.expectCoder(reading.appending(path: \.coder), sourceLocation: sourceLocation)
    }

    @Test func everyFieldOfRefinedBoxesIsChecked() { expectReading(Self.refine, \.reading) }

    @Test func everyFieldOfBoxesIsChecked() {
      let checked = Self.boxes
      checked.expectSound()
      expectReading(checked, \.reading)
      checked.expectInvalid("expected 2 inputs, found 3") { $0.stages = 1 }
      checked.expectInvalid("stages: expected at most 7, found 8") { $0.stages = 8 }
      Self.plan.expectInvalid("step 6: expected at least one stage") {
        var step = Self.boxes.step
        step.stages = 0
        $0.contents.steps[6].operation = .boxes(step)
        $0.contents.steps[6].inputs = [5]
      }
      for score in [-0.1, Float(1).nextUp, .nan] {
        checked.expectInvalid("a least score of 0 ... 1") { $0.leastScore = score }
      }
      for overlap in [-0.1, Float(1).nextUp, .nan] {
        checked.expectInvalid("an overlap of 0 ... 1") { $0.overlap = overlap }
      }
      for boxes in [0, 4, 6] {
        checked.expectInvalid("an output of 1×\(boxes)×6") { $0.boxes = boxes }
      }
    }

    /// 16,384 regions, each of which has up to 64 classes of a score of more than 1 / 63.5, and their boxes.
    private func many(leastScore: Float) -> HandmadePlan {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 6)
      var proposals = Self.proposals.step
      (proposals.strides, proposals.regions) = ([1], 16384)
      proposals.convolution = plan.matrix(k: 60, n: 8)
      proposals.output = plan.matrix(k: 8, n: 10)
      let regions = plan.add(
        .proposals(proposals), inputs: [map], Shape(height: 1, width: 16384, channels: 5), .float32)
      var head = Self.head.step
      (head.align.strides, head.align.side, head.convolutions) = ([1], 1, [])
      head.products = [plan.matrix(k: 16, n: 1)]
      head.output = plan.matrix(k: 1, n: 105)
      let said = plan.add(
        .boxHead(head), inputs: [map, regions], Shape(height: 1, width: 16384, channels: 105),
        .float32)
      var boxes = Self.boxes.step
      (boxes.reading.classes, boxes.reading.isAgnostic, boxes.stages) = (100, true, 1)
      boxes.leastScore = leastScore
      let objects = plan.add(
        .boxes(boxes), inputs: [regions, said], Shape(height: 1, width: 5, channels: 6), .float32)
      plan.addOutput("boxes", .detections, objects)
      return plan.placed()
    }

    @Test func candidatesAreNotTooMany() {
      many(leastScore: 1 / 63.5).expectValid()
      many(leastScore: 1 / 64).expectInvalid("at most 1048576 candidates") { _ in }
      many(leastScore: 0).expectInvalid("at most 1048576 candidates") { _ in }
    }

    // MARK: Masks

    @Test func everyFieldOfMasksIsChecked() {
      let checked = Self.masks
      checked.expectSound()
      expectAlign(checked, \.align)
      checked.expectChecked(kernel: \.kernel)
      checked.expectChecked(matrix: \.heads[0].convolutions[0])
      checked.expectInvalid("a matrix of 5 by 64") { $0.heads[0].upsample.k = 6 }
      checked.expectInvalid("four positions of whole blocks") { $0.heads[0].upsample.n = 80 }
      checked.expectInvalid("at most 16 channels, found 17") { $0.heads[0].output.k = 17 }
      checked.expectInvalid("a matrix of 7 by 2") { $0.heads[0].output.n = 3 }
      let products: [WritableKeyPath<Masks, PackedMatrix>] = [
        \.heads[0].upsample, \.heads[0].output, \.heads[1].output,
      ]
      for matrix in products {
        checked.expectPlaced(matrix.appending(path: \.offset))
        checked.expectInvalid("zero point and lower bound") { $0[keyPath: matrix].lowerBound = 128 }
      }
      checked.expectMultipliers(\.heads[0].output)
      checked.expectMultipliers(\.heads[1].output)
      for classes in [0, 8193] {
        checked.expectInvalid("1 ... 8192 classes") { $0.classes = classes }
      }
      checked.expectInvalid("a matrix of 7 by 3") { $0.classes = 3 }
      checked.expectInvalid("at least one mask head") { $0.heads = [] }
      checked.expectInvalid("mask heads: expected at most 8 entries") {
        $0.heads = [Masks.Head](repeating: $0.heads[0], count: 9)
      }
      checked.expectInvalid("convolutions of regions: expected at most 16 entries") {
        $0.heads[0].convolutions = [PackedMatrix](
          repeating: $0.heads[0].convolutions[0], count: 17)
      }
      checked.expectInvalid("an output of 1×5×16") { $0.align.side = 2 }
    }

    // MARK: Meanings

    @Test func valuesAreReadAsWhatTheyAre() {
      // Regions and boxes, or what two heads say, have the same form now and then; only one of them is meant.
      func expectInvalid(_ words: String, step: Int, input: Int, _ tensor: Int) {
        Self.plan.expectInvalid("step \(step): expected an input that is \(words)") {
          $0.contents.steps[step].inputs[input] = tensor
          $0.place()
        }
      }
      expectInvalid("regions, found what a box head says", step: 5, input: 2, 4)
      expectInvalid("what a box head says, found regions", step: 4, input: 1, 3)
      expectInvalid("regions, found what a box head says", step: 4, input: 0, 4)
      expectInvalid("regions, found what a box head says", step: 6, input: 0, 6)
      expectInvalid("what a box head says, found regions", step: 6, input: 2, 3)
      expectInvalid("boxes, found regions", step: 7, input: 2, 5)
      expectInvalid("boxes, found what a box head says", step: 7, input: 2, 6)
    }

    @Test func featuresAreNoRegions() {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 6)
      let features = plan.addHead(map, classes: nil)
      var head = Self.head.step
      head.align.strides = [1]
      plan.add(
        .boxHead(head), inputs: [map, features], Shape(height: 1, width: 1, channels: 11), .float32)
      plan.placed().expectInvalid("an input that is regions, found a map") { _ in }
    }

    @Test func resultsAreWhatTheySay() {
      func expectInvalid(_ words: String, _ kind: PlanOutput.Kind, _ tensor: Int) {
        Self.plan.expectInvalid("output 2: expected \(words)") {
          $0.addOutput("other", kind, tensor)
          $0.place()
        }
      }
      for tensor in [3, 4, 8] { expectInvalid("boxes", .detections, tensor) }
      for tensor in [3, 4, 7] { expectInvalid("masks", .masks, tensor) }
      for tensor in [3, 4, 7, 8] { expectInvalid("features", .map, tensor) }
    }

    @Test func oneBoxIsNoVectorOfLogits() {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 6)
      var step = DetectTests.checked.step
      step.strides = [1]
      step.selection.boxes = 1
      step.classTower = []
      step.boxTower = []
      step.classOutput = plan.matrix(k: 60, n: 2)
      step.boxOutput = plan.matrix(k: 60, n: 4)
      let box = plan.add(
        .detect(step), inputs: [map], Shape(height: 1, width: 1, channels: 6), .float32)
      plan.addOutput("boxes", .detections, box)
      let placed = plan.placed()
      placed.expectValid()
      placed.expectInvalid("output 0: expected logits") { $0.contents.outputs[0].kind = .classes }
      placed.expectInvalid("output 0: expected features") { $0.contents.outputs[0].kind = .map }
    }

    @Test func masksAreOfBoxesThatAreAResult() {
      let words = "masks of boxes that are a result"
      Self.plan.expectInvalid("output 0: expected \(words)") { $0.contents.outputs.removeFirst() }
      // Other boxes than those of the masks.
      Self.plan.expectInvalid("output 1: expected \(words)") {
        let other = $0.add(
          $0.contents.steps[6].operation, inputs: [5, 4, 6], $0.contents.tensors[7].shape, .float32)
        $0.contents.outputs[0].tensor = other
        $0.place()
      }
    }

    // MARK: Hostile numbers

    @Test func noNumberOverflows() {
      Self.subsample.expectRefused([\.stride])
      Self.proposals.expectRefused(
        [
          \.picture.height, \.picture.width, \.strides[1], \.anchorsOfLevel, \.regions, \.kernel,
        ], matrices: [\.convolution, \.output])
      Self.head.expectRefused(
        [\.align.strides[0], \.align.side, \.align.samples, \.kernel],
        matrices: [\.convolutions[0], \.products[1], \.output])
      Self.refine.expectRefused([
        \.reading.picture.height, \.reading.picture.width, \.reading.classes,
      ])
      Self.boxes.expectRefused([
        \.reading.picture.height, \.reading.picture.width, \.reading.classes, \.boxes,
      ])
      Self.masks.expectRefused(
        [\.align.strides[0], \.align.side, \.align.samples, \.kernel, \.classes],
        matrices: [\.heads[0].convolutions[0], \.heads[0].upsample, \.heads[1].output])
    }

    @Test func workOfSamplesBesideAMapIsCounted() throws {
      // A map of one position, and regions of a picture of 16,384 pixels.
      var step = Self.head.step
      (step.align.strides, step.align.side, step.convolutions) = ([1], 1, [])
      let tensor = Tensor(
        shape: Shape(height: 1, width: 1, channels: 1), type: .int8,
        quantization: Quantization(scale: 1, zeroPoint: 0), buffer: 0)
      var output = tensor
      output.shape.width = 100
      let operands = Operands(inputs: [tensor, tensor], output: output)
      let work = Step.Operation.boxHead(step).work(operands, isPadded: true)
      #expect(work[.values] >= 100 * 2 * 16384)
    }
  }
}

extension CheckedStep {
  /// Expects every number of a coder of boxes to be checked.
  fileprivate func expectCoder(
    _ coder: WritableKeyPath<Operation, BoxCoder>,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for value in [Float(65536).nextUp, -Float(65536).nextUp, .nan] {
      for i in 0..<4 {
        expectInvalid("deviations and means within", sourceLocation: sourceLocation) {
          $0[keyPath: coder].deviations[i] = value
        }
        expectInvalid("deviations and means within", sourceLocation: sourceLocation) {
          $0[keyPath: coder].means[i] = value
        }
      }
    }
  }

  /// Expects multipliers of sums that become float32 to be at most 65,536.
  fileprivate func expectMultipliers(
    _ matrix: WritableKeyPath<Operation, PackedMatrix>,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let at = step[keyPath: matrix].offset + PackedMatrix.multiplierOffset
    plan.expectValid(sourceLocation: sourceLocation) {
      $0.constants.store(Float(65536).bitPattern, at: at)
    }
    expectInvalid(
      "within their ranges", [Float(65536).nextUp, -1, .nan], at: at,
      sourceLocation: sourceLocation)
  }

  /// Expects the greatest numbers of a file to be refused, one field at a time and in all fields, and the work of
  /// such steps to be counted.
  fileprivate func expectRefused(
    _ fields: [WritableKeyPath<Operation, Int>],
    matrices: [WritableKeyPath<Operation, PackedMatrix>] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var fields = fields
    for matrix in matrices {
      fields += [
        matrix.appending(path: \.k), matrix.appending(path: \.n), matrix.appending(path: \.offset),
      ]
    }
    for number in [Int(UInt32.max), 1 << 31, 1 << 20] {
      for changed in fields.map({ [$0] }) + [fields] {
        expectInvalid("expected", sourceLocation: sourceLocation) {
          for field in changed { $0[keyPath: field] = number }
        }
        var contents = plan.contents
        var operation = step
        for field in changed { operation[keyPath: field] = number }
        contents.steps[index].operation = wrap(operation)
        #expect(contents.work > 0, sourceLocation: sourceLocation)
      }
    }
  }
}
