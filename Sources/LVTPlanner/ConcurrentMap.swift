// SPDX-License-Identifier: Apache-2.0
internal import Dispatch

/// Calls `body` with 0 ..< `count` on all processors, and returns what it made, in order.
///
/// - Throws: What `body` throws for the least number.
func concurrentMap<Element: Sendable, Failure: Error>(
  _ count: Int, _ body: @Sendable (Int) throws(Failure) -> Element
) throws(Failure) -> [Element] {
  // Each element has a place of its own, so that nothing is locked.
  nonisolated(unsafe) let results = UnsafeMutableBufferPointer<Result<Element, Failure>?>
    .allocate(capacity: count)
  results.initialize(repeating: nil)
  defer {
    results.deinitialize()
    results.deallocate()
  }
  DispatchQueue.concurrentPerform(iterations: count) { index in
    do throws(Failure) {
      results[index] = .success(try body(index))
    } catch {
      results[index] = .failure(error)
    }
  }
  var elements: [Element] = []
  elements.reserveCapacity(count)
  for result in results {
    if let result { elements.append(try result.get()) }
  }
  return elements
}
