// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// Ends a stream that waits for its next frame; it happens once.
public final class StopEvent {
  /// Readable once it has happened.
  package let descriptor: Int32

  /// An event that has not happened.
  public init() throws(CaptureError) {
    descriptor = lvt_event_create()
    if descriptor < 0 {
      throw .unreadable(reason: String(cString: lvt_error_text(descriptor)))
    }
  }

  deinit { lvt_close(descriptor) }

  /// Lets it happen; streams then end.
  public func raise() { lvt_event_raise(descriptor) }

  /// Waits until a time on the clock of `lvt_nanoseconds`, or until it has happened.
  public func wait(until nanoseconds: UInt64) { lvt_wait_until(nanoseconds, descriptor) }

  /// Lets SIGINT and SIGTERM raise it, of which each would otherwise end the program.
  ///
  /// The event must live as long as the program.
  public func raiseOnSignals() { lvt_event_raise_on_signals(descriptor) }
}
