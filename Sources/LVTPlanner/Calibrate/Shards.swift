// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import Synchronization

/// Calls `body` for each of four parts of `0..<count`, at the same time, and returns what it made, in order.
///
/// The number of parts does not depend on the machine, so neither do sums over them.
func inShards<Part: Sendable, Failure: Error>(
  of count: Int, _ body: @Sendable (Range<Int>) throws(Failure) -> Part
) throws(Failure) -> [Part] {
  let shardCount = 4
  let parts = Mutex([Result<Part, Failure>?](repeating: nil, count: shardCount))
  DispatchQueue.concurrentPerform(iterations: shardCount) { index in
    let range = count * index / shardCount..<count * (index + 1) / shardCount
    let part: Result<Part, Failure>
    do throws(Failure) { part = .success(try body(range)) } catch { part = .failure(error) }
    parts.withLock { $0[index] = part }
  }
  var made: [Part] = []
  for part in parts.withLock({ $0 }) {
    if let part { made.append(try part.get()) }
  }
  return made
}
