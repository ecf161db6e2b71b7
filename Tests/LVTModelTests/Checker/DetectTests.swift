// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  @Suite struct DetectTests {
    /// A head over two levels of 6 channels: two classes, one anchor, towers of one convolution to 8.
    static let checked = {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 6)
      var step = Detect()
      step.picture = Extent(height: 4, width: 4)
      step.classes = 2
      step.strides = [1, 2]
      step.anchors = [Detect.Anchor(width: 4, height: 4)]
      step.kernel = 3
      step.selection.boxes = 5
      step.classTower = [plan.matrix(k: 60, n: 8)]
      step.classOutput = plan.matrix(k: 72, n: 2)
      step.boxTower = [plan.matrix(k: 60, n: 8)]
      step.boxOutput = plan.matrix(k: 72, n: 4)
      let boxes = plan.add(
        .detect(step), inputs: [map, map], Shape(height: 1, width: 5, channels: 6), .float32)
      plan.addOutput("boxes", .detections, boxes)
      return CheckedStep(plan, 1, step) { .detect($0) }
    }()

    @Test func everyFieldIsChecked() {
      Self.checked.expectSound()
      Self.checked.expectChecked(kernel: \.kernel)
      Self.checked.expectChecked(matrix: \.classTower[0], changesForm: false)
      Self.checked.expectChecked(matrix: \.boxTower[0], changesForm: false)
      for edge in [0, 16385] {
        Self.checked.expectInvalid("expected a picture") { $0.picture.height = edge }
        Self.checked.expectInvalid("expected a picture") { $0.picture.width = edge }
      }
      for classes in [0, 65537] {
        Self.checked.expectInvalid("1 ... 65536 classes") { $0.classes = classes }
      }
      Self.checked.expectInvalid("a matrix of 72 by 3") { $0.classes = 3 }
      for stride in [0, 16385] {
        Self.checked.expectInvalid("strides of 1 ... 16384") { $0.strides[1] = stride }
      }
      Self.checked.expectInvalid("expected 1 inputs, found 2") { $0.strides = [1] }
      Self.checked.expectInvalid("at least one anchor") { $0.anchors = [] }
      for side in [0, -1, Float(65536).nextUp, .nan, .infinity] {
        Self.checked.expectInvalid("anchors of at most") { $0.anchors[0].width = side }
        Self.checked.expectInvalid("anchors of at most") { $0.anchors[0].height = side }
      }
      for value in [Float(65536).nextUp, -Float(65536).nextUp, .nan] {
        for i in 0..<4 {
          Self.checked.expectInvalid("deviations and means within") {
            $0.coder.deviations[i] = value
          }
          Self.checked.expectInvalid("deviations and means within") { $0.coder.means[i] = value }
        }
      }
    }

    @Test func everyRuleOfSelectionIsChecked() {
      for logit in [Float.nan, .infinity, -.infinity] {
        Self.checked.expectInvalid("a finite least logit") { $0.selection.leastLogit = logit }
      }
      for overlap in [-0.1, Float(1).nextUp, .nan] {
        Self.checked.expectInvalid("an overlap of 0 ... 1") { $0.selection.overlap = overlap }
      }
      for count in [0, 16385] {
        Self.checked.expectInvalid("anchors of a level") { $0.selection.anchorsOfLevel = count }
      }
      Self.checked.expectInvalid("an output of 1×4×6") { $0.selection.boxes = 4 }
      Self.checked.expectInvalid("an output of 1×0×6") { $0.selection.boxes = 0 }
    }

    @Test func levelsShareOneQuantizationAndChannels() {
      var plan = HandmadePlan(height: 4, width: 4)
      let first = plan.addMap(channels: 6), second = plan.addMap(channels: 6)
      let boxes = plan.add(
        .detect(Self.checked.step), inputs: [first, second],
        Shape(height: 1, width: 5, channels: 6), .float32)
      plan.addOutput("boxes", .detections, boxes)
      let placed = plan.placed()
      placed.expectInvalid("levels of one quantization") {
        $0.contents.tensors[second].quantization.scale = 2
      }
      placed.expectInvalid("levels of one quantization") {
        $0.contents.tensors[second].quantization.zeroPoint = 1
      }
    }

    @Test func anchorsOfALevelAreNumbered() {
      var plan = HandmadePlan(height: 8192, width: 4096)
      let map = plan.addMap(channels: 6)
      var step = Self.checked.step
      step.strides = [1]
      step.anchors = Array(repeating: Self.checked.step.anchors[0], count: 64)
      let boxes = plan.add(
        .detect(step), inputs: [map], Shape(height: 1, width: 5, channels: 6), .float32)
      plan.addOutput("boxes", .detections, boxes)
      plan.placed().expectInvalid("at most 2^31 anchors of a level") { _ in }
    }

    @Test func onlyDetectorsMakeBoxes() {
      var plan = HandmadePlan(height: 4, width: 4)
      plan.addHead(plan.addMap(channels: 6), classes: 6)
      plan.placed().expectInvalid("output 0: expected boxes") {
        $0.contents.outputs[0].kind = .detections
      }
    }
  }

  @Suite struct LabelPixelsTests {
    static let checked = {
      var plan = HandmadePlan(height: 4, width: 6)
      let map = plan.addMap(channels: 5, .int16)
      var step = LabelPixels()
      step.extent = Extent(height: 4, width: 6)
      let labels = plan.add(
        .labelPixels(step), inputs: [map], Shape(height: 4, width: 6, channels: 1), .labels)
      plan.addOutput("labels", .pixelClasses, labels)
      return CheckedStep(plan, 1, step) { .labelPixels($0) }
    }()

    @Test func everyFieldIsChecked() {
      Self.checked.expectSound()
      Self.checked.expectInvalid("an output of 3×6×1") { $0.extent.height = 3 }
      Self.checked.expectInvalid("an output of 4×5×1") { $0.extent.width = 5 }
    }

    @Test func aByteNamesNoMoreClasses() {
      var plan = HandmadePlan(height: 1, width: 1)
      let map = plan.addMap(channels: 257, .int16)
      var step = LabelPixels()
      step.extent = Extent(height: 1, width: 1)
      let labels = plan.add(
        .labelPixels(step), inputs: [map], Shape(height: 1, width: 1, channels: 1), .labels)
      plan.addOutput("labels", .pixelClasses, labels)
      plan.placed().expectInvalid("at most 256 classes") { _ in }
    }

    @Test func labelsAreOfTheInputsPixels() {
      var plan = HandmadePlan(height: 4, width: 6)
      let map = plan.addMap(channels: 5, .int16)
      var step = LabelPixels()
      step.extent = Extent(height: 8, width: 6)
      let labels = plan.add(
        .labelPixels(step), inputs: [map], Shape(height: 8, width: 6, channels: 1), .labels)
      plan.addOutput("labels", .pixelClasses, labels)
      plan.placed().expectInvalid("labels of the input's pixels") { _ in }
    }
  }

  @Suite struct GridTests {
    @Test func normalizeIsChecked() {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8, .int16)
      var step = Normalize()
      step.norm = plan.norm(8)
      let shape = Shape(height: 4, width: 4, channels: 8)
      plan.addHead(plan.add(.normalize(step), inputs: [map], shape), classes: 5)
      let checked = CheckedStep(plan, 1, step) { .normalize($0) }
      checked.plan.expectValid()
      checked.expectChecked(norm: \.norm)
    }

    @Test func resampleKeepsTheQuantization() {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8)
      var step = Resample()
      step.extent = Extent(height: 7, width: 9)
      let shape = Shape(height: 7, width: 9, channels: 8)
      let output = plan.add(.resample(step), inputs: [map], shape)
      plan.addHead(output, classes: 5)
      let checked = CheckedStep(plan, 1, step) { .resample($0) }
      checked.expectSound()
      checked.expectInvalid("an output of 8×9×8") { $0.extent.height = 8 }
      checked.expectInvalid("an output of 7×8×8") { $0.extent.width = 8 }
      checked.plan.expectInvalid("the input's quantization") {
        $0.contents.tensors[output].quantization.scale = 2
      }
    }

    /// Two maps on a grid of 4 × 6, and a second product.
    private static let joined = {
      var plan = HandmadePlan(height: 4, width: 6)
      let map = plan.addMap(channels: 8)
      var step = Convolution()
      (step.kernel, step.stride) = (3, 1)
      step.sources = [.none, .bilinear]
      step.matrix = plan.matrix(k: 9 * 16, n: 10)
      step.project = plan.matrix(k: 10, n: 5)
      let shape = Shape(height: 4, width: 6, channels: 5)
      plan.addHead(plan.add(.convolution(step), inputs: [map, map], shape, .int16), classes: 5)
      return CheckedStep(plan, 1, step) { .convolution($0) }
    }()

    @Test func sourcesLieOnOneGrid() {
      Self.joined.expectSound()
      Self.joined.expectInvalid("expected 1 inputs, found 2") { $0.sources = [.none] }
      Self.joined.expectInvalid("sources on a grid of 5×6") {
        $0.extent = Extent(height: 5, width: 6)
      }
      for edge in [0, 16385] {
        for extent in [Extent(height: edge, width: 6), Extent(height: 4, width: edge)] {
          Self.joined.expectInvalid("a grid of 1 ... 16384") {
            $0.sources = [.nearest, .bilinear]
            $0.extent = extent
          }
        }
      }
    }

    @Test func pictureIsNoPartOfAGrid() {
      var plan = HandmadePlan(height: 4, width: 4)
      var step = Convolution()
      (step.kernel, step.stride) = (1, 1)
      step.outside = [0, 0, 0, 0]
      step.sources = [.none, .none]
      step.matrix = plan.matrix(k: 4, n: 8)
      let shape = Shape(height: 4, width: 4, channels: 8)
      plan.addHead(plan.add(.convolution(step), inputs: [0, 0], shape), classes: 5)
      plan.placed().expectInvalid("a picture alone") { _ in }
    }

    @Test func secondProductIsChecked() {
      Self.joined.expectInvalid("a matrix of 10 by 5") { $0.project?.k = 11 }
      Self.joined.expectInvalid("an output of 4×6×6") { $0.project?.n = 6 }
      Self.joined.expectInvalid("an output of 4×6×10") { $0.project = nil }
    }

    @Test func onlyAWholeMapIsOverwritten() {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8)
      var step = Convolution()
      (step.kernel, step.stride) = (3, 1)
      step.matrix = plan.matrix(k: 72, n: 8)
      let shape = Shape(height: 4, width: 4, channels: 8)
      let output = plan.add(.convolution(step), inputs: [map], shape, inBufferOf: map)
      plan.addHead(output, classes: 5)
      let placed = plan.placed()
      placed.expectValid()
      placed.expectInvalid("separate input and output") {
        step.sources = [.bilinear]
        step.extent = Extent(height: 4, width: 4)
        $0.contents.steps[1].operation = .convolution(step)
      }
    }

    @Test func nothingIsAddedBehindAnEnd() {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8)
      var step = Pointwise()
      step.matrix = plan.matrix(k: 8, n: 8)
      step.extent = Extent(height: 5, width: 3)
      var residual = Pointwise.Residual(multiplier: 1)
      residual.resampling = .nearest
      step.residual = residual
      let shape = Shape(height: 5, width: 3, channels: 8)
      plan.addHead(plan.add(.pointwise(step), inputs: [map, map], shape), classes: 5)
      plan.placed().expectInvalid("nothing added behind the input's end") { _ in }
    }
  }
}
