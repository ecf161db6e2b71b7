// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// Hands the newest of a stream's slots from one thread to another.
///
/// There are three slots: one is with the writer, one with the reader, and one lies here, the newest
/// or, after it was taken, one that is used up. So the writer never waits for the reader, and the
/// reader never sees a frame when there is a newer one.
package final class Mailbox<Slot> {
  private let monitor: OpaquePointer
  private var middle: Slot
  private var isFresh = false
  private var isClosed = false
  private var losses = FrameLosses()

  /// - Parameter middle: The slot that lies here at first, used up.
  package init(middle: Slot) throws(CaptureError) {
    guard let monitor = lvt_monitor_create() else { throw .outOfMemory }
    self.monitor = monitor
    self.middle = middle
  }

  deinit { lvt_monitor_destroy(monitor) }

  /// The writer's side: leaves a full slot and takes another to fill.
  package func exchange(_ full: Slot) -> Slot {
    lvt_monitor_lock(monitor)
    defer { lvt_monitor_unlock(monitor) }
    let old = middle
    middle = full
    if isFresh { losses.dropped += 1 }
    isFresh = true
    lvt_monitor_notify(monitor)
    return old
  }

  /// The writer's side: counts what never became a full slot.
  func count(dropped: Int, damaged: Int) {
    lvt_monitor_lock(monitor)
    losses.dropped += dropped
    losses.damaged += damaged
    lvt_monitor_unlock(monitor)
  }

  /// The writer's side: there will be no more.
  func close() {
    lvt_monitor_lock(monitor)
    isClosed = true
    lvt_monitor_notify(monitor)
    lvt_monitor_unlock(monitor)
  }

  /// The reader's side: leaves a used slot and waits for a full one; nil after the last.
  func take(_ used: Slot) -> Slot? {
    lvt_monitor_lock(monitor)
    defer { lvt_monitor_unlock(monitor) }
    while !isFresh && !isClosed { lvt_monitor_wait(monitor) }
    return exchangeIfFresh(used)
  }

  /// The reader's side: leaves a used slot for a full one, if there is one that was not taken yet.
  package func takeIfFresh(_ used: Slot) -> Slot? {
    lvt_monitor_lock(monitor)
    defer { lvt_monitor_unlock(monitor) }
    return exchangeIfFresh(used)
  }

  private func exchangeIfFresh(_ used: Slot) -> Slot? {
    guard isFresh else { return nil }
    let full = middle
    middle = used
    isFresh = false
    return full
  }

  /// What was lost so far.
  var lossesSoFar: FrameLosses {
    lvt_monitor_lock(monitor)
    defer { lvt_monitor_unlock(monitor) }
    return losses
  }
}
