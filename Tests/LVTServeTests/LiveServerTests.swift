// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTCapture
import LVTImage
import LVTTestSupport
import Testing

@testable import LVTServe

/// A server on a free port, and frames for it.
private final class Live {
  let server: LiveServer
  let port: Int
  private var totals = LiveTotals()

  init(token: String? = nil) throws {
    var last: (any Error)?
    for _ in 0..<50 {
      let port = Int.random(in: 20000...60000)
      let address = try #require(ListenAddress(host: "127.0.0.1", port: port))
      do {
        server = try LiveServer(
          at: address, access: Access(token: token),
          description: LiveDescription(plan: #"{"model":"m.lvt"}"#, labels: #"model="m.lvt""#))
        self.port = port
        return
      } catch { last = error }  // the port is taken
    }
    throw try #require(last)
  }

  func client() throws -> Client { try #require(Client(port: port)) }

  func publish(_ picture: Frame.Content?, number: Int = 0) {
    let wishes = server.wishes
    totals.add(
      capture: 1_000_000, preprocess: 2_000_000, inference: 3_000_000, losses: FrameLosses())
    server.publish(
      wishes.pictures ? picture : nil, line: wishes.lines ? "{\"frame\":\(number)}" : nil,
      everything: wishes.everything ? "{\"all\":\(number)}" : nil, seconds: "1.5",
      totals: totals)
  }

  /// Waits for the server's thread; whether it came to what is expected.
  func wait(for wishes: LiveWishes) -> Bool { wait { server.wishes == wishes } }

  func wait(until isSo: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<20_000 {
      if try isSo() { return true }
      usleep(1000)
    }
    return false
  }
}

extension LiveWishes {
  init(pictures: Bool = false, lines: Bool = false, everything: Bool = false) {
    self.init()
    (self.pictures, self.lines, self.everything) = (pictures, lines, everything)
  }
}

@Suite struct LiveServerTests {
  private let jpeg: [UInt8]

  init() throws {
    jpeg = Array(
      try Data(contentsOf: URL(fileURLWithPath: repository + "/tools/demo/pictures/bag-1.jpg")))
  }

  private func withJPEG<R>(_ body: (Frame.Content) throws -> R) rethrows -> R {
    try jpeg.withUnsafeBytes { try body(.jpeg($0)) }
  }

  @Test(arguments: [
    ("/", "text/html; charset=utf-8", "<!doctype html>"),
    ("/page.js", "text/javascript; charset=utf-8", "'use strict'"),
    ("/page.css", "text/css; charset=utf-8", "color-scheme"),
    ("/metrics", "text/plain; version=0.0.4; charset=utf-8", "# TYPE lvt_frames_total counter"),
  ])
  func pagesAreWhatTheyAre(path: String, type: String, text: String) throws {
    let live = try Live()
    let client = try live.client()
    client.ask(path)
    let (status, head, body) = client.answer()
    #expect(status == 200)
    #expect(head.contains("Content-Type: \(type)"))
    #expect(head.contains("Content-Security-Policy: default-src 'none'"))
    #expect(String(decoding: body, as: UTF8.self).contains(text))
  }

  @Test(arguments: ["/index.html", "/../etc/passwd", "/stream.mjpg/", "//", "/%2e%2e/"])
  func otherPathsAreNotFound(path: String) throws {
    let live = try Live()
    let client = try live.client()
    client.ask(path)
    #expect(client.answer().status == 404)
  }

  private static let wrongRequests = [
    "another method": "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    "a long head":
      "GET / HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "a", count: 20000))\r\n\r\n",
    "a long body": "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
    "a body": "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
    "no name": "GET / HTTP/1.1\r\n\r\n", "nothing of HTTP": "\u{0}\u{1}\r\n\r\n",
  ]

  @Test(arguments: wrongRequests.keys) func otherRequestsAreRefused(what: String) throws {
    let request = try #require(Self.wrongRequests[what])
    let live = try Live()
    let client = try live.client()
    client.send(request)
    let status = try #require(client.answer().status)
    #expect((400...501).contains(status))
  }

  @Test func nothingIsAskedForWhileNobodyLooks() throws {
    let live = try Live()
    #expect(live.server.wishes == LiveWishes())
    do {
      let client = try live.client()
      client.ask("/stream.mjpg")
      client.read { $0.has("--\(Viewer.boundary)\r\n") }
      #expect(live.server.wishes == LiveWishes(pictures: true))
    }
    #expect(live.wait(for: LiveWishes()), "the viewer has gone")
  }

  @Test func jpegsAreHandedOnAsTheyAre() throws {
    let live = try Live()
    let stream = try live.client()
    stream.ask("/stream.mjpg")
    stream.read { $0.has("--\(Viewer.boundary)\r\n") }
    withJPEG { live.publish($0) }
    #expect(stream.read { $0.received.firstRange(of: jpeg) != nil })
    let snapshot = try live.client()
    snapshot.ask("/snapshot.jpg")
    // The next frame is the snapshot; when it is asked for does not show.
    #expect(
      live.wait {
        withJPEG { live.publish($0) }
        return snapshot.reads(jpeg)
      })
    #expect(stream.has("Content-Type: image/jpeg\r\nContent-Length: \(jpeg.count)\r\n"))
    #expect(stream.has("X-Timestamp: 1.5\r\n"))
  }

  @Test func pixelsAreEncoded() throws {
    let live = try Live()
    let client = try live.client()
    client.ask("/snapshot.jpg")
    #expect(live.wait(for: LiveWishes(pictures: true)))
    let pixels = [UInt8](repeating: 128, count: 64 * 48 * 2)
    try pixels.withUnsafeBytes {
      live.publish(.pixels(try ImageView(format: .yuyv, width: 64, height: 48, bytes: $0)))
    }
    let image = try client.answer().body.withUnsafeBytes { try JPEGDecoder().decode($0) }
    #expect((image.width, image.height) == (64, 48))
    // Luma 128 of the limited range.
    #expect(image.withPixels { $0.allSatisfy { abs(Int($0) - 130) <= 1 } })
  }

  @Test func eventsAreTheLines() throws {
    let live = try Live()
    let results = try live.client(), page = try live.client()
    results.ask("/events")
    #expect(live.wait(for: LiveWishes(lines: true)))
    page.ask("/events/all")
    page.read { $0.has("event: plan\ndata: {\"model\":\"m.lvt\"}\n\n") }
    #expect(live.server.wishes == LiveWishes(lines: true, everything: true))
    live.publish(nil, number: 7)
    #expect(results.read { $0.has("data: {\"frame\":7}\n\n") })
    #expect(page.read { $0.has("data: {\"all\":7}\n\n") })
    #expect(!results.has("all") && !page.has("frame"))
  }

  @Test func metricsCountEveryFrame() throws {
    let live = try Live()
    for _ in 0..<1000 { live.publish(nil) }
    let lines = [
      "lvt_info{model=\"m.lvt\"} 1", "lvt_frames_total 1000", "lvt_capture_seconds_sum 1.000000",
      "lvt_preprocess_seconds_sum 2.000000", "lvt_inference_seconds_sum 3.000000",
      "lvt_inference_seconds_count 1000", "lvt_viewers{kind=\"pictures\"} 0",
    ]
    // The server's thread takes the newest frame's counts when it comes to it.
    #expect(
      try live.wait {
        let client = try live.client()
        client.ask("/metrics")
        let text = String(decoding: client.answer().body, as: UTF8.self)
        return lines.allSatisfy { text.components(separatedBy: "\n").contains($0) }
      })
  }

  /// Three viewers take nothing; the others, and who publishes, go on.
  @Test func stalledViewersHoldNobodyUp() throws {
    let live = try Live()
    let clients = try (0..<20).map { _ in try live.client() }
    for client in clients {
      client.ask("/stream.mjpg")
      client.read { $0.has("--\(Viewer.boundary)\r\n") }
    }
    // More than the sockets of a connection hold.
    let large = [UInt8](repeating: 0xAA, count: 8 << 20)
    large.withUnsafeBytes { live.publish(.jpeg($0)) }
    for client in clients[3...] { #expect(client.read { $0.received.count > large.count }) }
    let last = Array("the last one".utf8)
    for client in clients[3...] {
      #expect(
        live.wait {
          last.withUnsafeBytes { live.publish(.jpeg($0)) }
          return client.reads(last)
        })
    }
    for client in clients[..<3] { #expect(client.received.count < 1000) }
  }

  @Test func viewersThatComeAndGoLeaveNothing() throws {
    let live = try Live()
    for round in 0..<200 {
      let client = try live.client()
      client.ask(["/stream.mjpg", "/events", "/events/all", "/snapshot.jpg"][round % 4])
      withJPEG { live.publish($0, number: round) }
    }
    // A snapshot that nobody waits for any more ends with the next frame.
    #expect(
      live.wait {
        withJPEG { live.publish($0) }
        return live.server.wishes == LiveWishes()
      })
  }

  /// Connections beyond the bound wait for their turn.
  @Test func connectionsAreBounded() throws {
    let live = try Live()
    let clients = try (0..<110).map { _ in try live.client() }
    for client in clients { client.ask("/metrics") }
    // An answered connection stays open for the next request, and keeps its place.
    func answered() -> Int { clients.count { $0.reads(Array("HTTP/1.1 200 OK".utf8)) } }
    #expect(live.wait { answered() >= 40 })
    #expect(answered() < clients.count)
  }

  @Test func tokenIsAskedFor() throws {
    let live = try Live(token: "0123456789abcdef")
    func status(_ path: String, _ headers: [String] = []) throws -> Int? {
      let client = try live.client()
      client.ask(path, ["Host: localhost"] + headers)
      return client.answer().status
    }
    for path in ["/", "/metrics", "/events", "/events/all", "/stream.mjpg", "/snapshot.jpg"] {
      #expect(try status(path) == 401)
      #expect(try status(path + "?token=0123456789abcdee") == 401)
    }
    #expect(try status("/page.js") == 200)
    #expect(try status("/?token=0123456789abcdef") == 200)
    #expect(try status("/metrics", ["Authorization: Bearer 0123456789abcdef"]) == 200)
    #expect(live.server.wishes == LiveWishes())
  }

  @Test func endOfTheServerEndsAnswers() throws {
    var live: Live? = try Live()
    let client = try #require(try live?.client())
    client.ask("/events")
    client.read { $0.has("text/event-stream") }
    live = nil
    #expect(!client.read { _ in false }, "the connection is closed")
    withExtendedLifetime(live) {}
  }

  @Test func takenPortIsSaid() throws {
    let live = try Live()
    let address = try #require(ListenAddress(host: "127.0.0.1", port: live.port))
    #expect(
      throws: LiveError.listen(
        address: "127.0.0.1:\(live.port)", reason: "Address already in use")
    ) {
      try LiveServer(
        at: address, access: Access(token: nil), description: LiveDescription(plan: "", labels: ""))
    }
  }
}
