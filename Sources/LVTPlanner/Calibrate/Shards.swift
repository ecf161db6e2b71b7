// SPDX-License-Identifier: Apache-2.0
internal import Dispatch

/// Calls `body` for each of four parts of `0..<count`, at the same time, and returns what it made, in order.
///
/// The number of parts does not depend on the machine, so neither do sums over them.
func inShards<Part: Sendable, Failure: Error>(
  of count: Int, _ body: @Sendable (Range<Int>) throws(Failure) -> Part
) throws(Failure) -> [Part] {
  let shardCount = 4
  // Each part has a place of its own, so that nothing is locked.
  nonisolated(unsafe) let parts = UnsafeMutableBufferPointer<Result<Part, Failure>?>
    .allocate(capacity: shardCount)
  parts.initialize(repeating: nil)
  defer {
    parts.deinitialize()
    parts.deallocate()
  }
  DispatchQueue.concurrentPerform(iterations: shardCount) { index in
    let range = count * index / shardCount..<count * (index + 1) / shardCount
    do throws(Failure) {
      parts[index] = .success(try body(range))
    } catch {
      parts[index] = .failure(error)
    }
  }
  var made: [Part] = []
  for part in parts {
    if let part { made.append(try part.get()) }
  }
  return made
}
