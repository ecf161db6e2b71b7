// SPDX-License-Identifier: Apache-2.0
import LVTPlanner
import LVTTestSupport
import Testing

@Suite struct ResidualStreamTests {
  private func compiled(_ tiny: TinyNetwork, _ width: ResidualWidth) throws -> CompiledPlan {
    var tiny = tiny
    tiny.embed = tiny.heads == nil ? 16 : 12
    tiny.depths = [2, 2]
    tiny.residual = width
    return try tiny.compile(pictures: 16)
  }

  @Test(arguments: [TinyNetwork(), TinyNetwork(isDynamic: true)])
  func int16IsNearerToTheFloatNetwork(tiny: TinyNetwork) throws {
    let narrow = try compiled(tiny, .int8).agreement.decibels
    let wide = try compiled(tiny, .int16).agreement.decibels
    #expect(wide > narrow + 0.5)
  }

  @Test func everyStageIsTriedAndTheCheapestGoodOneTaken() throws {
    let compiled = try compiled(TinyNetwork(), .auto)
    let choice = compiled.residual
    #expect(choice.trials.map(\.stages) == [[], [0], [1], [0, 1]])
    let chosen = choice.trials[choice.chosen]
    // Biases are corrected once more for streams that the trials were not corrected for.
    #expect(compiled.agreement.decibels >= chosen.agreement.decibels)
    let good = choice.trials.filter { $0.agreement.decibels >= ResidualChoice.goal }
    let cheapest = good.min { $0.arenaBytes < $1.arenaBytes }
    #expect(cheapest.map { $0.arenaBytes == chosen.arenaBytes } ?? true)
    // What products read as int8 is counted: a position of the first stage is read twice a block.
    #expect(choice.trials[0].macs < choice.trials[1].macs)
    #expect(
      choice.trials[3].macs - choice.trials[0].macs
        == choice.trials[1].macs + choice.trials[2].macs - 2 * choice.trials[0].macs)
  }

  @Test func streamThatConvolutionsReadStaysInt8() throws {
    #expect(try compiled(.dilateFormer, .auto).residual.trials.count == 1)
    let error = #expect(throws: PlannerError.self) { try compiled(.dilateFormer, .int16) }
    #expect(error?.description.contains("int8") == true)
  }
}
