// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTPlanner
import LVTTestSupport
import Testing

/// How much memory and work a plan may ask for.
@Suite struct PlanLimitsTests {
  // MARK: Work

  @Test func headerSaysTheMultiplicationsOfTheSteps() throws {
    var bytes = try tinyPlanBytes()
    let plan = try plan(bytes)
    let stated = bytes[24..<32].reversed().reduce(0) { $0 << 8 | Int($1) }
    #expect(stated == plan.multiplications)
    for at in [24, 31] {
      bytes[at] ^= 1
      PlanFormat.seal(&bytes)
      let error = #expect(throws: PlanError.self) { try LVTTestSupport.plan(bytes) }
      #expect(
        error?.description.contains("expected \(plan.multiplications) multiplications") == true)
      bytes[at] ^= 1
    }
  }

  /// The planner counts the float network's layers by themselves.
  @Test(arguments: PlanPaddingTests.networks)
  func multiplicationsAreTheNetworks(network: TinyNetwork) throws {
    var network = network
    // Maps that cut into whole windows: what fills up others is counted for the plan only.
    if network.depthwiseStages != nil { network.input = 48 }
    let compiled = try network.compile(pictures: 1)
    #expect(compiled.plan.multiplications == compiled.network.macs)
    // Padding and what does not multiply come on top.
    #expect(compiled.plan.work > compiled.plan.multiplications)
  }

  @Test func workOverTheLimitIsRefusedAndTheLimitCanBeRaised() throws {
    let bytes = try tinyPlanBytes(), work = try plan(bytes).work
    try bytes.withUnsafeBytes { bytes in
      _ = try Plan(copying: bytes, limits: PlanLimits(work: work))
      #expect(throws: PlanError.tooMuchWork(needed: work, limit: work - 1)) {
        try Plan(copying: bytes, limits: PlanLimits(work: work - 1))
      }
    }
  }

  @Test func fewBytesCannotAskForHours() throws {
    // 2²³ positions and 20 MLPs.
    let bytes = giantPlanBytes(width: 4096, height: 2048, patch: 1, mlps: 20)
    #expect(bytes.count < 100_000)
    let error = #expect(throws: PlanError.self) { try plan(bytes) }
    guard case .tooMuchWork(let needed, let limit) = error else {
      Issue.record("\(error?.description ?? "no error")")
      return
    }
    #expect(limit == PlanLimits().work && needed > limit)
    try bytes.withUnsafeBytes { _ = try Plan(copying: $0, limits: PlanLimits(work: needed)) }
  }

  @Test func windowsBeyondTheMapAreWork() throws {
    let plan = try plan(tinySwinPlanBytes())
    guard case .windowAttention(var attention) = plan.steps[1].operation else {
      Issue.record("step 1 is no attention")
      return
    }
    var map = plan.tensors[1]
    (map.shape.height, map.shape.width) = (1, 1)
    attention.window = 22
    let work = Step.Operation.windowAttention(attention).work(Operands(inputs: [map], output: map))
    let products = attention.qkv.k * attention.qkv.n + attention.project.k * attention.project.n
    #expect(work[.gemm] == 484 * products)
    #expect(work[.attention] == 2 * 484 * 484 * map.shape.channels)
  }

  @Test(arguments: PlanPaddingTests.networks)
  func countsOfImpossibleNumbersDoNotOverflow(network: TinyNetwork) throws {
    let huge = Int(UInt32.max)
    var contents = PlanContents(try network.compile(pictures: 1).plan)
    for i in contents.tensors.indices {
      contents.tensors[i].shape = Shape(height: huge, width: huge, channels: huge)
    }
    #expect(contents.multiplications == .max)
    #expect(contents.work == .max)
  }

  // MARK: Memory

  /// What is checked would grow with the steps and not with the file.
  @Test func noTwoStepsShareWeights() throws {
    _ = try plan(giantPlanBytes(width: 16, height: 16, patch: 4, mlps: 500))
    let bytes = giantPlanBytes(width: 16, height: 16, patch: 4, mlps: 500, sharesMatrices: true)
    let error = #expect(throws: PlanError.self) { try plan(bytes) }
    #expect(error?.description.contains("matrices of its own") == true)
  }
}
