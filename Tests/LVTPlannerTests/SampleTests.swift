// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport
import Testing

@testable import LVTModel
@testable import LVTPlanner

/// Large networks are searched with a sample of the pictures.
@Suite struct SampleTests {
  private static let tiny = TinyNetwork()

  private func calibration(_ pictures: [[UInt8]], sample: [Int]) throws -> [Point: Statistics] {
    try Calibration(Self.tiny.network(), pictures: pictures, sample: sample) { _ in }.statistics
  }

  @Test func rangesAreOfAllPicturesAndHistogramsOfTheSample() throws {
    let pictures = Self.tiny.pictures(6)
    let all = try calibration(pictures, sample: Array(pictures.indices))
    let some = try calibration(pictures, sample: [1, 4])
    let alone = try calibration([pictures[1], pictures[4]], sample: [0, 1])
    for (point, statistics) in some {
      let (expected, sampled) = (try #require(all[point]), try #require(alone[point]))
      #expect(statistics.low == expected.low && statistics.high == expected.high)
      #expect(statistics.means == expected.means)
      // What a product reads has moments instead of a histogram.
      #expect(statistics.moments?.rows == sampled.moments?.rows)
      if statistics.histogram.isEmpty { continue }
      #expect(statistics.histogram.reduce(0, +) == sampled.histogram.reduce(0, +))
      #expect(expected.countedMeans == expected.means)
      for (a, b) in zip(statistics.countedMeans, sampled.means) { #expect(abs(a - b) < 1e-6) }
    }
    #expect(some.contains { $1.countedMeans != $1.means })
  }

  @Test func planOfASampleIsComparedOnAllPictures() throws {
    let pictures = Self.tiny.pictures(8), network = try Self.tiny.network()
    var planner = Planner()
    let whole = try planner.compile(network, pictures: pictures)
    planner.searchWork = 5 * network.macs
    let sampled = try planner.compile(network, pictures: pictures)
    #expect(whole.agreement.pictures == 8 && sampled.agreement.pictures == 8)
    #expect(sampled.residual.trials.allSatisfy { $0.agreement.pictures == 5 })
    #expect(sampled.agreement.decibels > 20)
    // Few pictures are a sample of themselves.
    planner.searchWork = 1
    let least = try planner.compile(network, pictures: pictures)
    #expect(least.residual.trials.allSatisfy { $0.agreement.pictures == 4 })
    let few = try planner.compile(network, pictures: Array(pictures.prefix(3)))
    #expect(few.residual.trials.allSatisfy { $0.agreement.pictures == 3 })
  }
}
