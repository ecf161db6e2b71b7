// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat

/// What calibration knows of the values at a point.
struct Statistics: Sendable {
  /// Of each channel.
  private(set) var least, greatest: [Float]
  private var sums: [Double]
  /// Positions seen.
  private(set) var rows = 0
  /// Counts of ``histogramBins`` equal bins over [low, high]; empty before the second pass.
  private(set) var histogram: [UInt64] = []
  /// Of what products read, after the second pass.
  private var products: ProductSums?
  /// Sums of what the histogram counts, and its positions, where that is not all.
  private var countedSums: [Double] = []
  private var countedRows = 0

  static let histogramBins = 4096

  init(channels: Int) {
    least = [Float](repeating: .infinity, count: channels)
    greatest = [Float](repeating: -.infinity, count: channels)
    sums = [Double](repeating: 0, count: channels)
  }

  /// What is known of values that share a quantization: those of all, in one histogram.
  ///
  /// - Parameter all: At least one, of as many channels each.
  init(joining all: [Statistics]) {
    self.init(channels: all.first?.least.count ?? 0)
    for part in all { mergeRanges(part) }
    let low = low, width = max(high, low + ScaleLimits.least) - low
    histogram = .init(repeating: 0, count: Self.histogramBins)
    for part in all {
      let partWidth = max(part.high, part.low + ScaleLimits.least) - part.low
      for (i, count) in part.histogram.enumerated() where count > 0 {
        let value = part.low + (Float(i) + 0.5) / Float(Self.histogramBins) * partWidth
        let bin = Int((value - low) / width * Float(Self.histogramBins))
        histogram[max(0, min(Self.histogramBins - 1, bin))] += count
      }
    }
  }

  /// The range of all channels, with zero in it.
  var low: Float { min(0, least.min() ?? 0) }
  var high: Float { max(0, greatest.max() ?? 0) }

  /// Whether all values were finite, and small enough for scales and their products.
  var isSound: Bool {
    // A NaN shows in the sums only.
    sums.allSatisfy { $0.isFinite } && low >= -ScaleLimits.greatest && high <= ScaleLimits.greatest
      && zip(least, greatest).allSatisfy { $0.isFinite && $1.isFinite }
  }

  /// The mean of each channel.
  var means: [Double] { sums.map { $0 / Double(max(1, rows)) } }

  /// The mean of each channel over what the histogram counts.
  var countedMeans: [Double] {
    countedSums.isEmpty ? means : countedSums.map { $0 / Double(max(1, countedRows)) }
  }

  /// The greatest magnitude of each channel.
  var magnitudes: [Float] { zip(least, greatest).map { max(abs($0), abs($1)) } }

  /// The middle between the least and greatest value of each channel.
  var middles: [Float] { zip(least, greatest).map { ($0 + $1) / 2 } }

  /// Half the distance between the least and greatest value of each channel.
  var halfWidths: [Float] { zip(least, greatest).map { ($1 - $0) / 2 } }

  mutating func addRanges(_ values: [Float]) {
    let channels = least.count
    lvtf_channel_statistics(
      values, values.count / channels, channels, &least, &greatest, &sums)
    rows += values.count / channels
  }

  /// Counts values in bins over the range that is known by now.
  ///
  /// - Parameter isPart: Whether not all of the values are counted that the range is of.
  mutating func addCounts(_ values: [Float], isPart: Bool) {
    if histogram.isEmpty { histogram = .init(repeating: 0, count: Self.histogramBins) }
    let low = low, channels = least.count
    lvtf_histogram(
      values, values.count, low, max(high, low + ScaleLimits.least), Self.histogramBins,
      &histogram)
    guard isPart else { return }
    if countedSums.isEmpty { countedSums = .init(repeating: 0, count: channels) }
    // No value is outside the range.
    lvtf_channel_statistics(
      values, values.count / channels, channels, &least, &greatest, &countedSums)
    countedRows += values.count / channels
  }

  /// Adds up products of inputs whose means are known by now.
  ///
  /// - Parameter block: Neighbouring inputs that are looked at together.
  mutating func addProducts(_ values: [Float], block: Int) {
    var sums = products ?? ProductSums(inputs: least.count, block: block)
    products = nil
    sums.add(values, centres: means, factors: inputFactors)
    products = sums
  }

  /// How inputs of a product vary; nothing of other values.
  var moments: InputMoments? { products?.moments(centres: means, factors: inputFactors) }

  /// Of each channel, what makes its distance from the mean 1 at most.
  private var inputFactors: [Double] {
    zip(means, zip(least, greatest)).map { mean, ends in
      1 / max(mean - Double(ends.0), Double(ends.1) - mean, Double(ScaleLimits.least))
    }
  }

  mutating func mergeRanges(_ other: Statistics) {
    for c in least.indices {
      least[c] = min(least[c], other.least[c])
      greatest[c] = max(greatest[c], other.greatest[c])
      sums[c] += other.sums[c]
    }
    rows += other.rows
  }

  /// Adds what another's second pass saw.
  mutating func mergeCounts(_ other: Statistics) {
    if let theirs = other.products {
      products?.merge(theirs)
      products = products ?? theirs
    }
    if histogram.isEmpty {
      (histogram, countedSums) = (other.histogram, other.countedSums)
    } else {
      for i in other.histogram.indices { histogram[i] += other.histogram[i] }
      for c in other.countedSums.indices { countedSums[c] += other.countedSums[c] }
    }
    countedRows += other.countedRows
  }
}
