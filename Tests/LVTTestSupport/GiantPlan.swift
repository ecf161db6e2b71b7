// SPDX-License-Identifier: Apache-2.0
public import LVTModel

extension PlanContents {
  /// What is in a plan.
  public init(_ plan: Plan) {
    self.init(
      input: plan.input, labels: plan.labels, buffers: plan.buffers, tensors: plan.tensors,
      steps: plan.steps, threads: plan.threads, arenaBytes: plan.arenaBytes,
      provenance: plan.provenance, golden: plan.golden)
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
    var matrix = PackedMatrix(k: k, n: n, offset: 0, outputZeroPoint: 0, lowerBound: -128)
    matrix.offset = reserve(matrix.byteCount)
    return matrix
  }
  func norm() -> LayerNorm {
    LayerNorm(
      channels: 16, gammaOffset: reserve(64), betaOffset: reserve(64), epsilon: 1,
      outputZeroPoint: 0)
  }

  let unit = Quantization(scale: 1, zeroPoint: 0)
  let map = Shape(height: height / patch, width: width / patch, channels: 16)
  var tensors = [
    Tensor(
      shape: Shape(height: height, width: width, channels: 3), type: .pictureRGB,
      quantization: Quantization(scale: 1, zeroPoint: -128), buffer: 0),
    Tensor(shape: map, type: .int8, quantization: unit, buffer: 1),
  ]
  var operations: [Step.Operation] = [
    .patchEmbed(PatchEmbed(patch: patch, matrix: matrix(k: 3 * patch * patch, n: 16), norm: norm()))
  ]
  func mlp() -> MLP {
    MLP(
      expand: matrix(k: 16, n: 16), tableOffset: reserve(256), project: matrix(k: 16, n: 16),
      residualMultiplier: 0)
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
  operations.append(
    .head(
      Head(
        norm: norm(), pooling: .mean, poolingMultiplier: 0, matrix: matrix(k: 16, n: 1),
        biasOffset: reserve(64))))

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
    Step(
      operation: operation, input: i, output: i + 1, scratchOffset: end,
      scratchBytes: operation.scratchBytes(
        input: tensors[i], output: tensors[i + 1], strip: 16), stripRows: 16)
  }
  let contents = PlanContents(
    input: InputSpec(width: width, height: height, cropFraction: 1, interpolation: .bilinear),
    labels: [], buffers: buffers, tensors: tensors, steps: steps,
    arenaBytes: end + (steps.map(\.scratchBytes).max() ?? 0), provenance: [],
    golden: Golden(seed: 0, stepHashes: []))
  return contents.encoded(constants: [UInt8](repeating: 0, count: constantBytes))
}
