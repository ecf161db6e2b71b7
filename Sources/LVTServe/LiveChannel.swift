// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVTCapture

/// What the thread that has frames and the thread that serves them share.
final class LiveChannel {
  /// The newest frame that was published.
  let mailbox: Mailbox<Publication>
  /// An event of CLVTSystem that happens when a frame was published; the server's thread takes it back.
  let news: Int32
  /// Ends the server's thread.
  let end: StopEvent
  private let monitor: OpaquePointer
  private var wishes = LiveWishes()

  init() throws(CaptureError) {
    mailbox = try Mailbox(middle: Publication())
    end = try StopEvent()
    guard let monitor = lvt_monitor_create() else { throw .outOfMemory }
    self.monitor = monitor
    news = lvt_event_create()
    if news < 0 { throw .unreadable(reason: String(cString: lvt_error_text(news))) }
  }

  deinit {
    lvt_close(news)
    lvt_monitor_destroy(monitor)
  }

  var currentWishes: LiveWishes {
    get {
      lvt_monitor_lock(monitor)
      defer { lvt_monitor_unlock(monitor) }
      return wishes
    }
    set {
      lvt_monitor_lock(monitor)
      wishes = newValue
      lvt_monitor_unlock(monitor)
    }
  }
}

/// What somebody reads.
public struct LiveWishes: Equatable, Sendable {
  /// Whether anybody looks at pictures.
  public internal(set) var pictures = false
  /// Whether anybody reads the lines of results.
  public internal(set) var lines = false
  /// Whether anybody reads the lines of all that was found.
  public internal(set) var everything = false

  /// Nobody reads anything.
  public init() {}
}
