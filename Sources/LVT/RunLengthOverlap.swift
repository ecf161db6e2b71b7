// SPDX-License-Identifier: Apache-2.0

extension RunLengths {
  /// How many pixels both have; both are of pictures of one size.
  public func intersectionArea(_ other: RunLengths) -> Int {
    var (i, j) = (0, 0)
    var (endI, endJ) = (counts.first ?? 0, other.counts.first ?? 0)
    var (at, shared) = (0, 0)
    while i < counts.count, j < other.counts.count {
      let next = min(endI, endJ)
      if i & j & 1 == 1 { shared += next - at }
      at = next
      if endI == at {
        i += 1
        if i < counts.count { endI += counts[i] }
      }
      if endJ == at {
        j += 1
        if j < other.counts.count { endJ += other.counts[j] }
      }
    }
    return shared
  }

  /// How many pixels either has.
  public func unionArea(_ other: RunLengths) -> Int { area + other.area - intersectionArea(other) }

  /// Intersection over union, 0 … 1; 0 if neither has pixels.
  public func overlap(_ other: RunLengths) -> Double {
    let all = unionArea(other)
    return all > 0 ? Double(intersectionArea(other)) / Double(all) : 0
  }
}
