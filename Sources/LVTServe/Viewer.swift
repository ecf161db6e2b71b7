// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import CLibEvent

/// A request that is answered as frames come.
///
/// Belongs to the server's thread. A viewer that reads slower than frames come misses some: it is given a
/// picture only once it has taken all that was sent before.
final class Viewer {
  enum Kind {
    /// One picture after another.
    case pictures
    /// The lines of results.
    case events
    /// The lines of all that was found, for the page.
    case everything
    /// The next picture.
    case snapshot

    var wantsPictures: Bool { self == .pictures || self == .snapshot }
  }

  let kind: Kind
  /// When it came, on the clock of `lvt_nanoseconds`.
  let start = lvt_nanoseconds()
  private let request: OpaquePointer
  private let connection: OpaquePointer
  private let didLeave: (Viewer) -> Void

  /// Events may lie here for a reader that is slow by moments.
  private static let mostPendingEvents = 256 << 10
  /// A viewer that takes nothing for so long is cut off.
  private static var patience: timeval { timeval(tv_sec: 20, tv_usec: 0) }

  /// Takes a request over.
  ///
  /// - Parameter didLeave: Called once, when the connection is gone; the request is then as well.
  init(_ kind: Kind, _ request: OpaquePointer, didLeave: @escaping (Viewer) -> Void) {
    self.kind = kind
    self.request = request
    connection = evhttp_request_get_connection(request)
    self.didLeave = didLeave
    evhttp_connection_set_closecb(
      connection,
      { _, context in
        guard let context else { return }
        let viewer = Unmanaged<Viewer>.fromOpaque(context).takeUnretainedValue()
        viewer.connectionIsGone()
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private func connectionIsGone() {
    // libevent parts it from a request that is being answered, and then leaves it to its owner.
    if evhttp_request_get_connection(request) == nil { evhttp_request_free(request) }
    didLeave(self)
  }

  /// Bytes that it has not taken yet.
  private var pending: Int {
    evbuffer_get_length(
      bufferevent_get_output(evhttp_connection_get_bufferevent(connection)))
  }

  /// Begins an answer that goes on.
  func begin(type: String) {
    // It says nothing more, and that is no reason to end it.
    var patience = Self.patience
    bufferevent_set_timeouts(evhttp_connection_get_bufferevent(connection), nil, &patience)
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type)
    evhttp_send_reply_start(request, 200, "OK")
  }

  /// Sends bytes that belong to nobody else.
  func send(_ text: String) {
    guard pending <= Self.mostPendingEvents, let buffer = evbuffer_new() else { return }
    add(text, to: buffer)
    evhttp_send_reply_chunk(request, buffer)
    evbuffer_free(buffer)
  }

  /// Sends a picture, unless it has not taken all of the last one.
  func send(_ picture: SharedBytes, seconds: String) {
    guard pending == 0, let buffer = evbuffer_new() else { return }
    add(
      "Content-Type: image/jpeg\r\nContent-Length: \(picture.bytes.count)\r\n"
        + "X-Timestamp: \(seconds)\r\n\r\n", to: buffer)
    picture.add(to: buffer)
    // The next one's boundary, so that readers need not wait for it to know that this one is whole.
    add("\r\n--\(Self.boundary)\r\n", to: buffer)
    evhttp_send_reply_chunk(request, buffer)
    evbuffer_free(buffer)
  }

  /// Answers with a picture and ends.
  func finish(_ picture: SharedBytes) {
    evhttp_connection_set_closecb(connection, nil, nil)
    evhttp_add_header(
      evhttp_request_get_output_headers(request), "Content-Type", "image/jpeg")
    if let buffer = evbuffer_new() {
      picture.add(to: buffer)
      evhttp_send_reply(request, 200, "OK", buffer)
      evbuffer_free(buffer)
    }
    didLeave(self)
  }

  /// Ends an answer.
  func finish() {
    evhttp_connection_set_closecb(connection, nil, nil)
    if kind == .snapshot {
      evhttp_send_error(request, 503, "no picture")
    } else {
      evhttp_send_reply_end(request)
    }
  }

  static let boundary = "lvt-frame"

  private func add(_ text: String, to buffer: OpaquePointer) {
    var text = text
    text.withUTF8 { _ = evbuffer_add(buffer, $0.baseAddress, $0.count) }
  }
}

/// Bytes that several connections send, from memory of their own.
///
/// Belongs to the server's thread.
final class SharedBytes {
  let bytes: UnsafeRawBufferPointer

  init(copying source: UnsafeRawBufferPointer) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
    copy.copyMemory(from: source)
    bytes = UnsafeRawBufferPointer(copy)
  }

  deinit { bytes.deallocate() }

  /// Adds them without a copy; they live until they are sent.
  func add(to buffer: OpaquePointer) {
    let owner = Unmanaged.passRetained(self)
    let status = evbuffer_add_reference(
      buffer, bytes.baseAddress, bytes.count,
      { _, _, context in
        guard let context else { return }
        Unmanaged<SharedBytes>.fromOpaque(context).release()
      }, owner.toOpaque())
    if status != 0 { owner.release() }
  }
}
