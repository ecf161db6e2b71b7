// SPDX-License-Identifier: Apache-2.0
internal import CLVTPage
internal import CLVTSystem
internal import CLibEvent
internal import LVT
internal import LVTCapture
internal import LVTImage

/// The server's thread: libevent's loop and HTTP, and the viewers.
final class LiveService {
  /// So many events the loop may have.
  ///
  /// A connection has one, or two while it is sent to; more connections wait until others have gone.
  private static let mostEvents: Int32 = 128
  private static let longestHead = 8192
  /// Seconds that a connection may take for each part of its request.
  private static let patience: Int32 = 10
  /// Bytes that are read of what a viewer says after its request.
  private static let mostUnread = 16384

  private let channel: LiveChannel
  private let access: Access
  private let description: LiveDescription
  private let base: OpaquePointer
  private let http: OpaquePointer
  private let listener: OpaquePointer
  private var events: [OpaquePointer] = []
  private var viewers: [Viewer] = []
  private var taken = Publication()
  private let image: Image

  /// Listens; nothing is answered before ``run()``.
  init(
    _ channel: LiveChannel, _ address: ListenAddress, _ access: Access,
    _ description: LiveDescription
  ) throws(LiveError) {
    self.channel = channel
    self.access = access
    self.description = description
    do throws(ImageError) { image = try Image(width: 1, height: 1) } catch {
      throw .system(reason: error.description)
    }
    // Its warnings are of connections that end early, and there is nobody to read them.
    event_set_log_callback { _, _ in }
    guard let base = event_base_new() else { throw .system(reason: "no event loop") }
    guard let http = evhttp_new(base) else {
      event_base_free(base)
      throw .system(reason: "no memory")
    }
    var place = sockaddr_storage()
    var length = Int32(MemoryLayout<sockaddr_storage>.size)
    let listener = withUnsafeMutablePointer(to: &place) { place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
        evutil_parse_sockaddr_port(address.text, place, &length) == 0
          ? evconnlistener_new_bind(
            base, nil, nil, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
            64, place, length) : nil
      }
    }
    guard let listener else {
      let reason = String(cString: lvt_error_text(lvt_last_error()))
      evhttp_free(http)
      event_base_free(base)
      throw .listen(address: address.text, reason: reason)
    }
    (self.base, self.http, self.listener) = (base, http, listener)
    evhttp_bind_listener(http, listener)
    evhttp_set_allowed_methods(http, UInt16(EVHTTP_REQ_GET.rawValue))
    evhttp_set_max_headers_size(http, Self.longestHead)
    evhttp_set_max_body_size(http, 1)
    evhttp_set_timeout(http, Self.patience)
    guard
      watch(
        channel.end.descriptor,
        { _, _, context in
          LiveService.at(context) { event_base_loopbreak($0.base) }
        }),
      watch(channel.news, { _, _, context in LiveService.at(context) { $0.takeNews() } }),
      watch(seconds: 2, { _, _, context in LiveService.at(context) { $0.endOldSnapshots() } })
    else { throw .system(reason: "no memory") }
  }

  /// Lets the loop call a function when a descriptor can be read, or every so many seconds; whether there was the
  /// memory.
  private func watch(
    _ descriptor: Int32 = -1, seconds: Int = 0, _ body: @escaping event_callback_fn
  ) -> Bool {
    let kinds = Int16(EV_PERSIST | (descriptor < 0 ? 0 : EV_READ))
    let this = Unmanaged.passUnretained(self).toOpaque()
    guard let event = event_new(base, descriptor, kinds, body, this) else { return false }
    events.append(event)
    if seconds == 0 { return event_add(event, nil) == 0 }
    var period = timeval(tv_sec: seconds, tv_usec: 0)
    return event_add(event, &period) == 0
  }

  deinit {
    for event in events { event_free(event) }
    evhttp_free(http)  // with the listener and all connections
    event_base_free(base)
  }

  /// The thread's body.
  func run() {
    lvt_ignore_broken_pipes()
    let this = Unmanaged.passUnretained(self).toOpaque()
    // No connection is accepted while there are too many.
    evhttp_set_bevcb(
      http,
      { base, context in
        LiveService.at(context) { $0.pauseIfFull() }
        guard let connection = bufferevent_socket_new(base, -1, 0) else { return nil }
        bufferevent_setwatermark(connection, Int16(EV_READ), 0, LiveService.mostUnread)
        return connection
      }, this)
    evhttp_set_gencb(
      http,
      { request, context in
        guard let request else { return }
        LiveService.at(context) { $0.answer(request) }
      }, this)
    event_base_dispatch(base)
    for viewer in viewers { viewer.finish() }
    viewers = []
  }

  private static func at(
    _ context: UnsafeMutableRawPointer?, _ body: (LiveService) -> Void
  ) {
    guard let context else { return }
    body(Unmanaged<LiveService>.fromOpaque(context).takeUnretainedValue())
  }

  /// Accepts nothing for a moment while there are as many connections as may be.
  private func pauseIfFull() {
    guard event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED) >= Self.mostEvents else {
      evconnlistener_enable(listener)
      return
    }
    evconnlistener_disable(listener)
    var moment = timeval(tv_sec: 0, tv_usec: 100_000)
    let status = event_base_once(
      base, -1, Int16(EV_TIMEOUT),
      { _, _, context in LiveService.at(context) { $0.pauseIfFull() } },
      Unmanaged.passUnretained(self).toOpaque(), &moment)
    if status != 0 { evconnlistener_enable(listener) }
  }

  // MARK: Requests

  private func answer(_ request: OpaquePointer) {
    let headers = evhttp_request_get_input_headers(request)
    func header(_ name: String) -> String? {
      evhttp_find_header(headers, name).map { String(cString: $0) }
    }
    var query = evkeyvalq()
    let uri = evhttp_request_get_evhttp_uri(request)
    if let text = evhttp_uri_get_query(uri) { evhttp_parse_query_str(text, &query) }
    defer { evhttp_clear_headers(&query) }
    func parameter(_ name: String) -> String? {
      evhttp_find_header(&query, name).map { String(cString: $0) }
    }
    let path = evhttp_uri_get_path(uri).map { String(cString: $0) } ?? ""

    let answers = evhttp_request_get_output_headers(request)
    for (name, value) in Self.headers { evhttp_add_header(answers, name, value) }
    guard let route = Route(path: path) else {
      evhttp_send_error(request, 404, "no such page")
      return
    }
    let refusal = access.refusal(
      host: header("Host"), origin: header("Origin"), authorization: header("Authorization"),
      query: parameter("token"))
    switch refusal {
    case .host:
      evhttp_send_error(request, 403, "asked for by a name that is not this machine's")
      return
    case .origin:
      evhttp_send_error(request, 403, "asked for by a page of another site")
      return
    case .token where route.isSecret:
      evhttp_add_header(answers, "WWW-Authenticate", "Bearer")
      evhttp_send_error(request, 401, "the token is missing: add ?token=...")
      return
    default: break
    }
    switch route {
    case .page: reply(request, "text/html; charset=utf-8", lvt_page_html())
    case .script: reply(request, "text/javascript; charset=utf-8", lvt_page_script())
    case .style: reply(request, "text/css; charset=utf-8", lvt_page_style())
    case .metrics: replyMetrics(request)
    case .stream: add(.pictures, request)
    case .snapshot: add(.snapshot, request)
    case .events: add(.events, request)
    case .everything: add(.everything, request)
    }
  }

  /// Of every answer: nothing is kept, the page may load what is here and nothing else, and the address, which
  /// may have a token in it, is told to nobody.
  private static let headers = [
    ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    (
      "Content-Security-Policy",
      "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'"
    ),
  ]

  private func reply(_ request: OpaquePointer, _ type: String, _ file: lvt_page_file) {
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type)
    guard let buffer = evbuffer_new() else {
      evhttp_send_error(request, 503, "no memory")
      return
    }
    evbuffer_add(buffer, file.bytes, file.count)
    evhttp_send_reply(request, 200, "OK", buffer)
    evbuffer_free(buffer)
  }

  private func replyMetrics(_ request: OpaquePointer) {
    func count(_ isCounted: (Viewer) -> Bool) -> Int { viewers.filter(isCounted).count }
    var text = taken.totals.text(
      labels: description.labels,
      viewers: (
        count { $0.kind == .pictures }, count { $0.kind == .events || $0.kind == .everything }
      ))
    text.withUTF8 {
      reply(
        request, "text/plain; version=0.0.4; charset=utf-8",
        lvt_page_file(bytes: $0.baseAddress, count: $0.count))
    }
  }

  // MARK: Viewers

  private func add(_ kind: Viewer.Kind, _ request: OpaquePointer) {
    // Unretained, as it outlives its viewers.
    let this = Unmanaged.passUnretained(self)
    let viewer = Viewer(kind, request) { this.takeUnretainedValue().forget($0) }
    viewers.append(viewer)
    tellWishes()
    switch kind {
    case .pictures:
      viewer.begin(type: "multipart/x-mixed-replace; boundary=\(Viewer.boundary)")
      viewer.send("--\(Viewer.boundary)\r\n")
    case .events: viewer.begin(type: "text/event-stream")
    case .everything:
      viewer.begin(type: "text/event-stream")
      viewer.send("event: plan\ndata: \(description.plan)\n\n")
    case .snapshot: break
    }
  }

  /// Says that there is no picture where frames have ceased to come.
  private func endOldSnapshots() {
    let now = lvt_nanoseconds(), limit = UInt64(Self.patience) * 1_000_000_000
    let old = viewers.filter { $0.kind == .snapshot && now - $0.start > limit }
    guard !old.isEmpty else { return }
    viewers.removeAll { viewer in old.contains { $0 === viewer } }
    for viewer in old { viewer.finish() }
    tellWishes()
  }

  private func forget(_ viewer: Viewer) {
    viewers.removeAll { $0 === viewer }
    tellWishes()
  }

  private func tellWishes() {
    var wishes = LiveWishes()
    for viewer in viewers {
      switch viewer.kind {
      case .pictures, .snapshot: wishes.pictures = true
      case .events: wishes.lines = true
      case .everything: wishes.everything = true
      }
    }
    channel.currentWishes = wishes
  }

  /// Sends what the newest frame has to those who want it.
  private func takeNews() {
    lvt_event_take_back(channel.news)
    guard let fresh = channel.mailbox.takeIfFresh(taken) else { return }
    taken = fresh
    // Results before the picture, which is longer: they are there when it is shown.
    for (kind, line) in [(Viewer.Kind.events, taken.line), (.everything, taken.everything)] {
      guard let line else { continue }
      for viewer in viewers where viewer.kind == kind { viewer.send("data: \(line)\n\n") }
    }
    guard viewers.contains(where: { $0.kind.wantsPictures }), let picture = picture() else {
      return
    }
    for viewer in viewers where viewer.kind.wantsPictures {
      if viewer.kind == .snapshot {
        viewer.finish(picture)
      } else {
        viewer.send(picture, seconds: taken.seconds)
      }
    }
  }

  /// The newest frame's picture as a JPEG; nil where there is none.
  private func picture() -> SharedBytes? {
    switch taken.picture {
    case nil: return nil
    case .jpeg(let bytes): return SharedBytes(copying: bytes)
    case .pixels(let view):
      do throws(ImageError) { try image.copy(view) } catch { return nil }
      do throws(CaptureError) {
        return try JPEGOutput.bytes(of: image, .photograph).withUnsafeBytes {
          SharedBytes(copying: $0)
        }
      } catch { return nil }
    }
  }
}
