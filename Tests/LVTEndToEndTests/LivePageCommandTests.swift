// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport
import Testing

/// `lvt-infer --serve` as it is started.
extension CommandLineTests {
  /// A stream of two frames that goes on until it is ended, and its page.
  private final class Served {
    let process = Process()
    let input = Pipe(), output = Pipe(), errors = Pipe()

    init(_ arguments: [String], frames: Data) throws {
      process.executableURL = URL(fileURLWithPath: CommandLineTests.products + "/lvt-infer")
      process.arguments = arguments
      process.standardInput = input
      process.standardOutput = output
      process.standardError = errors
      try process.run()
      try input.fileHandleForWriting.write(contentsOf: frames)
    }

    /// The line of standard error that names the page, which is there before the first frame.
    func address() throws -> String {
      var text = ""
      while !text.contains("\n") {
        let more = errors.fileHandleForReading.availableData
        try #require(!more.isEmpty, "\(text)")
        text += String(decoding: more, as: UTF8.self)
      }
      return String(text.prefix { $0 != "\n" })
    }

    func end() throws -> Int32 {
      try input.fileHandleForWriting.close()
      process.waitUntilExit()
      return process.terminationStatus
    }
  }

  private func served(_ arguments: [String]) throws -> (Served, port: Int, address: String) {
    let jpeg = try Data(contentsOf: URL(fileURLWithPath: picture))
    for _ in 0..<20 {
      let port = Int.random(in: 20000...60000)
      let served = try Served(
        [plan, "-", "--all-frames", "--serve", "\(port)"] + arguments, frames: jpeg + jpeg)
      let address = try served.address()
      if address.contains("Address already in use") { continue }
      return (served, port, address)
    }
    throw CocoaError(.fileNoSuchFile)
  }

  @Test func pageOfThisMachineNeedsNoToken() throws {
    let (served, port, address) = try served([])
    #expect(address == "lvt-infer: live page: http://127.0.0.1:\(port)/")
    let client = try #require(Client(port: port))
    client.ask("/events/all")
    #expect(client.read { $0.has(#"{"model":"tiny.lvt","task":"classes","threshold":0.3"#) })
    let reader = try #require(Client(port: port))
    reader.ask("/events")
    #expect(reader.read { $0.has("text/event-stream") })
    // The events are the lines.
    let jpeg = try Data(contentsOf: URL(fileURLWithPath: picture))
    try served.input.fileHandleForWriting.write(contentsOf: jpeg)
    #expect(reader.read { $0.has("}\n\n") })
    #expect(try served.end() == 0)
    let lines = String(
      decoding: served.output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let event = try #require(
      reader.text.components(separatedBy: "data: ").last?.components(separatedBy: "\n").first)
    func result(_ line: String) -> String { line.components(separatedBy: ",\"capture_ms\"")[0] }
    #expect(
      lines.components(separatedBy: "\n").contains {
        result($0).components(separatedBy: "\"frame\"").last
          == result(event).components(separatedBy: "\"frame\"").last
      }, "\(event)")
  }

  @Test func pageForOthersNeedsTheTokenThatIsPrinted() throws {
    let (served, port, address) = try served(["--listen", "0.0.0.0"])
    let token = try #require(address.components(separatedBy: "/?token=").last)
    #expect(token.count == 32 && address.contains("live page: http://"))
    for (path, status) in [
      ("/", 401), ("/?token=\(token)", 200), ("/metrics?token=\(token)", 200),
      ("/metrics?token=\(String(token.reversed()))x", 401),
    ] {
      let client = try #require(Client(port: port))
      client.ask(path)
      #expect(client.answer().status == status)
    }
    #expect(try served.end() == 0)
  }

  @Test func tokenMayComeFromAFileOrBeLeftOut() throws {
    let file = try file("token", Array("a-token-of-my-own\nmore".utf8))
    let (withFile, port, address) = try served(["--token-file", file])
    #expect(address.hasSuffix("/?token=..."), "what is secret is not printed")
    for (path, status) in [("/", 401), ("/?token=a-token-of-my-own", 200)] {
      let client = try #require(Client(port: port))
      client.ask(path)
      #expect(client.answer().status == status)
    }
    #expect(try withFile.end() == 0)

    let (open, openPort, _) = try served([
      "--listen", "0.0.0.0", "--no-token", "--host", "Board.lan",
    ])
    for (host, status) in [("board.lan:\(openPort)", 200), ("board.evil", 403)] {
      let client = try #require(Client(port: openPort))
      client.ask("/", ["Host: \(host)"])
      #expect(client.answer().status == status)
    }
    #expect(try open.end() == 0)
  }

  @Test(arguments: [
    (["--serve", "0", "-"], 64, "--serve: expected a number from 1 to 65535"),
    (["--serve", "8080", "$picture"], 64, "are for frames"),
    (["--listen", "0.0.0.0", "-"], 64, "are for --serve"),
    (["--serve", "8080", "--listen", "localhost", "-"], 64, "expected a numeric address"),
    (["--serve", "8080", "--token-file", "f", "--no-token", "-"], 64, "expected one of"),
    (["--serve", "8080", "--token-file", "/none", "-"], 1, "/none: No such file or directory"),
    (
      ["--serve", "8080", "--token-file", "/dev/null", "-"], 1, "expected a first line of 16 to 256"
    ),
    (["--serve", "8080", "--listen", "192.0.2.1", "-"], 1, "cannot listen on 192.0.2.1:8080: "),
  ])
  func pageThatCannotBeIsRefused(arguments: [String], code: Int32, words: String) throws {
    let outcome = try run(
      "lvt-infer", [plan] + arguments.map { $0 == "$picture" ? picture : $0 }, input: [])
    #expect(outcome.code == code)
    #expect(outcome.errors.first?.contains(words) == true, "\(outcome.errors)")
  }
}
