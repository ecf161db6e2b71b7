// SPDX-License-Identifier: Apache-2.0
import LVT
import LVTTestSupport
import Testing

@Suite struct EngineOutputTests {
  private func engine(_ made: ResultPlan, threads: Int = 1, isa: ISA = .best) throws -> Engine {
    let engine = try Engine(plan: plan(made.bytes), threads: threads, isa: isa)
    engine.withPicture { $0.copyBytes(from: made.picture) }
    engine.run()
    return engine
  }

  @Test func resultsAreWhatTheHandComputes() throws {
    let made = ResultPlan(classes: nil)
    for isa in ISA.available {
      for threads in [1, 3] {
        let outputs = try engine(made, threads: threads, isa: isa).outputs
        try #require(outputs.count == 3)
        #expect(outputs[0].values == made.map.map { 0.25 * Float($0 - 3) }, "\(isa.name)")
        #expect(outputs[1].values == made.wide.map { 2 * Float($0) }, "\(isa.name)")
        #expect(outputs[2].values == made.features, "\(isa.name)")
      }
    }
    #expect(Set(made.map).count > 6 && made.features[0] != made.features[1])
  }

  @Test func resultsSayWhatTheyAre() throws {
    let outputs = try engine(ResultPlan(classes: 5)).outputs
    #expect(outputs.map(\.name) == ["classes", "map", "wide", "features"])
    #expect(outputs.map(\.kind) == [.classes, .map, .map, .map])
    #expect(outputs.map(\.type) == [.float32, .int8, .int16, .float32])
    let map = Shape(height: 3, width: 4, channels: 2)
    #expect(
      outputs.map(\.shape) == [
        Shape(height: 1, width: 1, channels: 5), map, map,
        Shape(height: 1, width: 1, channels: 2),
      ])
    #expect(
      outputs.map(\.quantization) == [
        Quantization(scale: 1, zeroPoint: 0), Quantization(scale: 0.25, zeroPoint: 3),
        Quantization(scale: 2, zeroPoint: 0), Quantization(scale: 1, zeroPoint: 0),
      ])
    #expect(outputs.map(\.pitch) == [20, 16, 32, 8])
    #expect(outputs.map(\.bytes.count) == [20, 12 * 16, 12 * 32, 8])
  }

  @Test func valuesAreThoseOfTheBytes() throws {
    let made = ResultPlan(classes: 5)
    let outputs = try engine(made).outputs
    for position in 0..<12 {
      for channel in 0..<2 {
        let at = 2 * position + channel
        #expect(
          outputs[1].bytes.load(fromByteOffset: 16 * position + channel, as: Int8.self)
            == made.map[at])
        let wide = outputs[2].bytes.load(
          fromByteOffset: 32 * position + 2 * channel, as: Int16.self)
        #expect(wide == made.wide[at])
        #expect(outputs[1].value(position: position, channel: channel) == outputs[1].values[at])
        #expect(outputs[2].value(position: position, channel: channel) == outputs[2].values[at])
      }
    }
  }

  @Test func classesAreTheLogits() throws {
    let engine = try Engine(plan: plan(tinyPlanBytes()))
    engine.withPicture { Golden(seed: 3, stepHashes: []).fill($0) }
    engine.run()
    #expect(engine.outputs.count == 1)
    let output = try #require(engine.outputs.first)
    #expect(output.kind == .classes && output.values == Array(engine.logits))
    #expect(output.values.count == 5 && Set(output.values).count > 1)
  }

  @Test func planOfFeaturesHasNoLogits() throws {
    let engine = try engine(ResultPlan(classes: nil))
    #expect(engine.logits.isEmpty && engine.plan.classCount == 0 && engine.plan.classes == nil)
  }
}
