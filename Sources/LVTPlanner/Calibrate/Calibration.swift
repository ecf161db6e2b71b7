// SPDX-License-Identifier: Apache-2.0
internal import LVTModel
internal import Synchronization

/// The float network on the calibration pictures: ranges, histograms and results.
struct Calibration: Sendable {
  private(set) var statistics: [Point: Statistics]
  /// The float results of each picture.
  let results: [FloatResults]

  /// Runs the network over all pictures for the ranges, and over the sample for histograms over these ranges.
  ///
  /// - Parameters:
  ///   - sample: Indices of pictures.
  ///   - progress: Called after each picture of each pass, from any thread, with the number of runs that are
  ///     done.
  /// - Throws: ``PlannerError/values(layer:)``
  init(
    _ network: Network, pictures: [[UInt8]], sample: [Int], progress: @Sendable (Int) -> Void
  ) throws(PlannerError) {
    let ranges = Self.pass(network, pictures, progress: progress) { $0.addRanges($2) }
    statistics = try Self.merged(ranges, network)
    results = ranges.flatMap { $0.results }
    let isPart = sample.count < pictures.count
    let counts = Self.pass(
      network, sample.map { pictures[$0] }, known: statistics,
      progress: { progress(pictures.count + $0) },
      add: { statistics, role, values in
        switch role {
        case .product: statistics.addProducts(values, block: InputMoments.blockSize)
        case .neighbours(let taps): statistics.addProducts(values, block: taps)
        default: statistics.addCounts(values, isPart: isPart)
        }
      })
    for shard in counts {
      for (point, counted) in shard.statistics { statistics[point]?.mergeCounts(counted) }
    }
  }

  /// Only the ranges: one pass, for the decisions before the weights are final.
  ///
  /// - Throws: ``PlannerError/values(layer:)``
  static func ranges(
    _ network: Network, pictures: [[UInt8]], progress: @Sendable (Int) -> Void
  ) throws(PlannerError) -> [Point: Statistics] {
    try merged(pass(network, pictures, progress: progress) { $0.addRanges($2) }, network)
  }

  private static func merged(
    _ shards: [Shard], _ network: Network
  ) throws(PlannerError) -> [Point: Statistics] {
    var result: [Point: Statistics] = [:]
    for shard in shards {
      result.merge(shard.statistics) { a, b in
        var merged = a
        merged.mergeRanges(b)
        return merged
      }
    }
    if let first = result.filter({ !$0.value.isSound }).keys.map({ $0.value }).min() {
      throw .values(layer: network.graph.name(of: first) ?? "")
    }
    return result
  }

  private struct Shard: Sendable {
    var statistics: [Point: Statistics] = [:]
    var results: [FloatResults] = []
  }

  /// One pass in shards.
  private static func pass(
    _ network: Network, _ pictures: [[UInt8]], known: [Point: Statistics] = [:],
    progress: @Sendable (Int) -> Void,
    add: @Sendable (inout Statistics, Point.Role, [Float]) -> Void
  ) -> [Shard] {
    let done = Atomic(0)
    let executor = FloatExecutor(network)
    return inShards(of: pictures.count) { range in
      var shard = Shard(statistics: known)
      for i in range {
        let results = executor.results(executor.normalized(pictures[i])) {
          point, values, channels in
          add(&shard.statistics[point, default: Statistics(channels: channels)], point.role, values)
        }
        shard.results.append(results)
        progress(done.add(1, ordering: .relaxed).newValue)
      }
      return shard
    }
  }
}
