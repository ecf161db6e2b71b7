// SPDX-License-Identifier: Apache-2.0
public import LVTModel

extension PlanContents {
  /// What is in a plan.
  public init(_ plan: Plan) {
    self.init()
    input = plan.input
    labels = plan.labels
    buffers = plan.buffers
    tensors = plan.tensors
    steps = plan.steps
    outputs = plan.outputs
    threads = plan.threads
    arenaBytes = plan.arenaBytes
    provenance = plan.provenance
    golden = plan.golden
  }
}

extension Step {
  /// Scratch of the right size at an offset; the strips' length is set before.
  public mutating func placeScratch(at offset: Int, _ tensors: [Tensor]) {
    scratchOffset = offset
    scratchBytes =
      operands(in: tensors).map {
        operation.scratch($0, strip: stripRows).byteCount
      } ?? 0
  }
}

/// A valid plan of few bytes whose run takes as much memory and work as its numbers say: patches, MLPs in place and
/// a head, all of zeros.
///
/// - Parameter sharesMatrices: Whether all MLPs have the same weights, which no plan may.
public func giantPlanBytes(
  width: Int, height: Int, patch: Int, mlps: Int, sharesMatrices: Bool = false
) -> [UInt8] {
  var constantBytes = 0
  func reserve(_ bytes: Int) -> Int {
    defer { constantBytes += (bytes + 63) / 64 * 64 }
    return constantBytes
  }
  func matrix(k: Int, n: Int) -> PackedMatrix {
    var matrix = PackedMatrix()
    (matrix.k, matrix.n, matrix.lowerBound) = (k, n, -128)
    matrix.offset = reserve(matrix.byteCount)
    return matrix
  }
  func norm() -> LayerNorm {
    var norm = LayerNorm()
    norm.channels = 16
    norm.gammaOffset = reserve(64)
    norm.betaOffset = reserve(64)
    norm.epsilon = 1
    return norm
  }

  let unit = Quantization(scale: 1, zeroPoint: 0)
  let map = Shape(height: height / patch, width: width / patch, channels: 16)
  var tensors = [
    Tensor(
      shape: Shape(height: height, width: width, channels: 3), type: .pictureRGB,
      quantization: Quantization(scale: 1, zeroPoint: -128), buffer: 0),
    Tensor(shape: map, type: .int8, quantization: unit, buffer: 1),
  ]
  var patches = PatchEmbed()
  patches.patch = patch
  patches.matrix = matrix(k: 3 * patch * patch, n: 16)
  patches.norm = norm()
  var operations: [Step.Operation] = [.patchEmbed(patches)]
  func mlp() -> MLP {
    var mlp = MLP()
    mlp.expand = matrix(k: 16, n: 16)
    mlp.tableOffset = reserve(256)
    mlp.project = matrix(k: 16, n: 16)
    return mlp
  }
  let shared = sharesMatrices ? mlp() : nil
  for _ in 0..<mlps {
    tensors.append(tensors[1])
    operations.append(.mlp(shared ?? mlp()))
  }
  tensors.append(
    Tensor(
      shape: Shape(height: 1, width: 1, channels: 1), type: .float32, quantization: unit, buffer: 2)
  )
  var head = Head(), classifier = Head.Classifier()
  head.norm = norm()
  classifier.matrix = matrix(k: 16, n: 1)
  classifier.biasOffset = reserve(64)
  head.classifier = classifier
  operations.append(.head(head))

  let last = operations.count - 1
  var end = 0
  let buffers = [(0, 0, 0), (1, 0, last), (tensors.count - 1, last, last)].map {
    tensor, firstStep, lastStep in
    let bytes = (tensors[tensor].byteCount + 63) / 64 * 64
    defer { end += bytes }
    return Buffer(
      lifetime: Lifetime(firstStep: firstStep, lastStep: lastStep), offset: end, byteCount: bytes)
  }
  let steps = operations.enumerated().map { i, operation in
    var step = Step(operation, inputs: [i], output: i + 1)
    step.stripRows = 16
    step.placeScratch(at: end, tensors)
    return step
  }
  var contents = PlanContents()
  contents.input = InputSpec(width: width, height: height)
  contents.buffers = buffers
  contents.tensors = tensors
  contents.steps = steps
  contents.outputs = [PlanOutput(name: "classes", kind: .classes, tensor: last + 1)]
  contents.arenaBytes = end + (steps.map(\.scratchBytes).max() ?? 0)
  return contents.encoded(constants: [UInt8](repeating: 0, count: constantBytes))
}
