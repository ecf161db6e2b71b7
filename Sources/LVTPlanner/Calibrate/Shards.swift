// SPDX-License-Identifier: Apache-2.0

/// Calls `body` for each of four parts of `0..<count`, at the same time, and returns what it made, in order.
///
/// The number of parts does not depend on the machine, so neither do sums over them.
func inShards<Part: Sendable, Failure: Error>(
  of count: Int, _ body: @Sendable (Range<Int>) throws(Failure) -> Part
) throws(Failure) -> [Part] {
  let shardCount = 4
  return try concurrentMap(shardCount) { (index) throws(Failure) in
    try body(count * index / shardCount..<count * (index + 1) / shardCount)
  }
}
