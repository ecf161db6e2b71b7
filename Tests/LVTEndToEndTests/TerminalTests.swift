// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import LVTTestSupport
import Testing

/// What a terminal shows.
extension CommandLineTests {
  /// A terminal of a width, which a program writes to.
  private final class PseudoTerminal {
    let program: Int32
    private let screen: Int32

    init(columns: UInt16) throws {
      screen = open("/dev/ptmx", O_RDWR | O_NOCTTY)
      // TIOCSPTLCK and TIOCGPTPEER; Swift does not see glibc's functions for them.
      var isLocked: Int32 = 0
      try #require(ioctl(screen, 0x4004_5431, &isLocked) == 0)
      program = ioctl(screen, 0x5441, O_RDWR | O_NOCTTY)
      try #require(program >= 0)
      resize(columns: columns)
    }

    deinit {
      close(program)
      close(screen)
    }

    func resize(columns: UInt16) {
      var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
      _ = ioctl(program, UInt(TIOCSWINSZ), &size)
    }

    /// All that a program writes until its end.
    func readAll(of process: Process) -> String {
      var text = "", buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        var ready = pollfd(fd: screen, events: Int16(POLLIN), revents: 0)
        if poll(&ready, 1, 100) > 0 {
          let length = Glibc.read(screen, &buffer, buffer.count)
          guard length > 0 else { break }
          text += String(decoding: buffer[..<length], as: UTF8.self)
        } else if !process.isRunning {
          break
        }
      }
      process.waitUntilExit()
      return text
    }

    /// What was written until a text has come `count` times.
    func read(until end: String, count: Int = 1) -> String {
      var text = "", buffer = [UInt8](repeating: 0, count: 4096)
      while text.components(separatedBy: end).count <= count {
        var ready = pollfd(fd: screen, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, 20_000) > 0 else { break }
        let length = Glibc.read(screen, &buffer, buffer.count)
        guard length > 0 else { break }
        text += String(decoding: buffer[..<length], as: UTF8.self)
      }
      return text
    }
  }

  /// Neither a long result nor a narrower terminal makes it scroll.
  @Test func liveLineIsCutToTheTerminal() throws {
    let terminal = try PseudoTerminal(columns: 40)
    let process = Process(), input = Pipe()
    process.executableURL = URL(fileURLWithPath: Self.products + "/lvt-infer")
    process.arguments = [plan, "-", "--top", "5"]
    process.standardInput = input
    process.standardOutput = FileHandle(fileDescriptor: terminal.program)
    try process.run()
    let end = "\u{1B}[K\u{1B}[?7h"
    /// The line that is seen in the end; nothing else was written.
    func shown(_ text: String) throws -> String {
      let lines = text.components(separatedBy: end + "\r\u{1B}[?7l")
      let last = try #require(lines.last)
      #expect(lines.allSatisfy { !$0.contains("\n") })
      return last.replacingOccurrences(of: "\r\u{1B}[?7l", with: "")
        .replacingOccurrences(of: end, with: "")
    }
    let jpeg = try Data(contentsOf: URL(fileURLWithPath: picture))
    // A stream knows that a frame is whole by the next one's start.
    try input.fileHandleForWriting.write(contentsOf: jpeg + jpeg.prefix(4))
    let first = try shown(terminal.read(until: end))
    #expect(first.count == 40)
    terminal.resize(columns: 20)
    kill(process.processIdentifier, SIGWINCH)
    #expect(try shown(terminal.read(until: end)) == first.prefix(20))
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(terminal.read(until: "\r\n").hasSuffix("\r\n"))
  }

  @Test func logFilesHaveNoControlCharacters() throws {
    let jpeg = Array(try Data(contentsOf: URL(fileURLWithPath: picture)))
    for arguments in [[], ["--json"]] {
      let outcome = try run(
        "lvt-infer", [plan, "-", "--all-frames"] + arguments, input: jpeg + jpeg)
      #expect(outcome.code == 0)
      for text in [outcome.output] + outcome.errors {
        #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
      }
    }
  }

  @Test(
    arguments: [
      ("--jsn", "--json"), ("--treads", "--threads"), ("--draws", "--draw"), ("--camera-list", nil),
      ("--colour", "--color"), ("--x", nil), ("--mask", "--masks"),
    ] as [(String, String?)])
  func unknownOptionNamesTheNearOne(option: String, near: String?) throws {
    let outcome = try run("lvt-infer", [plan, option])
    #expect(outcome.code == 64)
    let advice = near.map { "; did you mean \($0)?" } ?? ""
    #expect(outcome.errors.first == "lvt-infer: unknown option '\(option)'\(advice)")
  }

  @Test(arguments: [["--profile"], ["--verify"], ["--bench", "2"], ["--cpu-info"]])
  func everyModeHasJSON(mode: [String]) throws {
    let outcome = try run("lvt-infer", (mode == ["--cpu-info"] ? [] : [plan]) + mode + ["--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.split(separator: "\n").count == 1)
    let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    #expect(json?["threads"] is Int)
  }

  @Test(arguments: ["--help", "--version"]) func modesWithoutJSONSaySo(mode: String) throws {
    let outcome = try run("lvt-infer", [mode, "--json"])
    #expect(outcome.code == 64 && outcome.errors.first?.contains("has no JSON") == true)
  }

  @Test func helpFitsATerminal() throws {
    for line in try run("lvt-infer", ["--help"]).output.split(separator: "\n") {
      #expect(line.count <= 80, "\(line)")
    }
  }

  @Test func versionsAgree() throws {
    let changes = try String(contentsOfFile: repository + "/CHANGELOG.md", encoding: .utf8)
    let newest = changes.components(separatedBy: "\n## ")[1].prefix { $0 != "," && $0 != "\n" }
    for program in ["lvt-plan", "lvt-infer"] {
      #expect(try run(program, ["--version"]).output == "lvt \(newest)\n")
    }
  }

  @Test(arguments: [
    ["families"], ["boards"], ["inspect", "$plan"], ["inspect", "$plan", "--board", "orange-pi-5"],
    ["--help"], ["compile", "--help"],
  ])
  func tablesFitTheTerminal(arguments: [String]) throws {
    let terminal = try PseudoTerminal(columns: 80)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.products + "/lvt-plan")
    process.arguments = arguments.map { $0 == "$plan" ? plan : $0 }
    process.standardOutput = FileHandle(fileDescriptor: terminal.program)
    try process.run()
    let text = terminal.readAll(of: process)
    #expect(process.terminationStatus == 0)
    let lines = text.components(separatedBy: "\r\n")
    #expect(lines.count > 8 && lines.allSatisfy { $0.count <= 80 })
    // Elsewhere lines are as long as they are.
    let file = try run("lvt-plan", process.arguments ?? []).output
    if arguments.first == "families" {
      #expect(file.split(separator: "\n").contains { $0.count > 80 })
    }
  }
}
