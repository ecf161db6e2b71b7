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
  var plan = HandmadePlan(height: height, width: width)
  let shape = Shape(height: height / patch, width: width / patch, channels: 16)
  var patches = PatchEmbed()
  patches.patch = patch
  patches.matrix = plan.matrix(k: MatrixSegments(kernel: patch, channels: 3).k, n: 16)
  patches.norm = plan.norm(16)
  var map = plan.add(.patchEmbed(patches), inputs: [0], shape)
  func mlp() -> MLP {
    var mlp = MLP()
    mlp.expand = plan.matrix(k: 16, n: 16)
    mlp.tableOffset = plan.reserve(256)
    mlp.project = plan.matrix(k: 16, n: 16)
    return mlp
  }
  let shared = sharesMatrices ? mlp() : nil
  for _ in 0..<mlps {
    map = plan.add(.mlp(shared ?? mlp()), inputs: [map], shape, inBufferOf: map)
  }
  plan.addHead(map, classes: 1)
  for i in plan.contents.steps.indices { plan.contents.steps[i].stripRows = 16 }
  plan.place()
  return plan.contents.encoded(constants: plan.constants)
}
