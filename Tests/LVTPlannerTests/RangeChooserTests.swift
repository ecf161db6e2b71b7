// SPDX-License-Identifier: Apache-2.0
import LVTModel
import Testing

@testable import LVTPlanner

@Suite struct RangeChooserTests {
  private func statistics(_ values: [Float]) -> Statistics {
    var statistics = Statistics(channels: 1)
    statistics.addRanges(values)
    statistics.addCounts(values, isPart: false)
    return statistics
  }

  @Test func zeroIsAlwaysRepresentable() {
    for (low, high) in [(Float(0), Float(6)), (-3, 5), (0.5, 2), (-4, -1), (0, 0)] {
      let q = RangeChooser(statistics([low, high, (low + high) / 2])).choose().quantization
      #expect((-128...127).contains(q.zeroPoint))
      #expect(q.rounded(0) == 0)
      #expect(q.scale > 0 && q.scale.isFinite)
    }
  }

  /// Of ranges that are nothing but the least floats every value is counted too.
  @Test func rangesWithoutWidthAreCounted() {
    for high in [Float(0), .leastNonzeroMagnitude, .leastNormalMagnitude, 0x1p-100, 0x1p-61] {
      let statistics = statistics([0, high / 2, high])
      #expect(statistics.histogram.reduce(0, +) == 3, "\(high)")
      let scale = RangeChooser(statistics).choose().quantization.scale
      #expect(scale > 0 && scale.isFinite, "\(high)")
    }
  }

  /// Pictures that calibration did not see reach further.
  @Test func evenValuesKeepTheirWholeRangeAndRoomBeyondIt() {
    let values = (0...10_000).map { Float($0) / 1000 }
    let choice = RangeChooser(statistics(values)).choose()
    #expect((11 / 255...15.1 / 255).contains(choice.quantization.scale))
    #expect(choice.quantization.rounded(11) > 10.9)
    #expect(choice.decibels > 48)
  }

  /// A few values far outside must not take the resolution of all others.
  @Test func outliersAreCutOff() {
    var values = (0..<1_000_000).map { Float($0 % 200) / 100 - 1 }
    values[77] = 40
    let chosen = RangeChooser(statistics(values)).choose()
    #expect(chosen.method != .minMax)
    #expect(chosen.quantization.rounded(40) < 20)
  }

  /// Errors where the function behind is flat do not count.
  @Test func flatPartsOfTheFunctionAreCutOff() {
    let values = (0...20_000).map { Float($0) / 1000 - 12 }
    let plain = RangeChooser(statistics(values)).choose()
    let behind = RangeChooser(statistics(values), transform: gelu).choose()
    #expect(behind.quantization.scale < 0.75 * plain.quantization.scale)
  }

  @Test func leastScaleIsKept() {
    let choice = RangeChooser(statistics([-1, 1])).choose(leastScale: 0.5)
    #expect(choice.quantization.scale >= 0.5)
  }
}

extension Quantization {
  /// The real number that stands nearest to `value`.
  fileprivate func rounded(_ value: Float) -> Float { self.value(of: Int(quantized(value))) }
}
