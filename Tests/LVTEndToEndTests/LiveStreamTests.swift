// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTCapture
import LVTTestSupport
import Synchronization
import Testing

/// Sources that go on while the network runs.
@Suite struct LiveStreamTests {
  /// A frame of raw I420 is seven times what a pipe holds, so when the first byte of the next one has
  /// been read, the frame before it is complete for lvt.
  private static let size = (width: 640, height: 480)
  private static let bytes = 640 * 480 * 3 / 2

  init() { signal(SIGPIPE, SIG_IGN) }

  /// A frame's picture, which its number chooses: a ramp of 5 steepnesses.
  private static func frame(_ number: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: $0 / 640 * (number % 5 + 1)) }
  }

  /// Writes frame after frame into a pipe, as fast as it is read, until nobody reads any more.
  private final class Source: Sendable {
    let pipe = Pipe()
    /// Frames of which every byte is in the pipe or read.
    let written = Atomic(0)

    func start() {
      let pictures = (0..<5).map { LiveStreamTests.frame($0) }
      Thread.detachNewThread { [self] in
        let file = pipe.fileHandleForWriting
        do {
          while true {
            try file.write(contentsOf: pictures[written.load(ordering: .relaxed) % 5])
            written.add(1, ordering: .sequentiallyConsistent)
          }
        } catch { try? file.close() }
      }
    }
  }

  @Test func labelIsThatOfTheNewestCompleteFrame() throws {
    let engine = try Engine(plan: TinyNetwork().compile(pictures: 4).plan, threads: 2)
    let classifier = try Classifier(engine: engine)
    func logits(_ view: ImageView) throws -> [Float] { try classifier.classify(view).logits }
    let known = try (0..<5).map { number in
      try Self.frame(number).withUnsafeBytes {
        try logits(
          ImageView(format: .yu12, width: Self.size.width, height: Self.size.height, bytes: $0))
      }
    }
    #expect(Set(known).count == 5)

    let source = Source()
    let stop = try StopEvent()
    let frames = try FramePipe(
      descriptor: source.pipe.fileHandleForReading.fileDescriptor,
      layout: FrameLayout(format: .yu12, width: Self.size.width, height: Self.size.height),
      isLive: true, stop: stop)
    source.start()
    for taken in 1...20 {
      // The network is slow: so many frames come while it runs.
      let start = source.written.load(ordering: .sequentiallyConsistent)
      while source.written.load(ordering: .sequentiallyConsistent) < start + taken % 4 {
        usleep(100)
      }
      let written = source.written.load(ordering: .sequentiallyConsistent)
      guard let frame = try frames.next(), case .pixels(let view) = frame.content else {
        Issue.record("the stream ended")
        break
      }
      // Of the frame written last some bytes may be in the pipe; the one before is complete.
      #expect(frame.number >= written - 2, "a newer frame was there")
      #expect(try logits(view) == known[frame.number % 5])
      #expect(frames.losses.dropped >= frame.number + 1 - taken)
    }
    stop.raise()
    try source.pipe.fileHandleForReading.close()
  }

  /// lvt-infer, reading what is written into a pipe.
  private final class Program {
    let process = Process()
    let input: Pipe
    private let output = Pipe()
    private var text = Data()

    init(_ arguments: [String], input: Pipe = Pipe()) throws {
      self.input = input
      process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        .deletingLastPathComponent().appendingPathComponent("lvt-infer")
      process.arguments =
        [
          fixtures + "/plan/tiny.lvt", "--yuv420", "640x480", "-", "--threads", "4",
        ] + arguments
      process.standardInput = input
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      try process.run()
      try input.fileHandleForReading.close()
    }

    /// Waits for the next line of JSON.
    func line() throws -> [String: Any] {
      while true {
        if let end = text.firstIndex(of: 0x0A) {
          let line = Data(text[..<end])
          text = Data(text[(end + 1)...])
          return try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
        }
        let more = output.fileHandleForReading.availableData
        try #require(!more.isEmpty, "the program ended")
        text += more
      }
    }

    /// Nanoseconds that all of its threads have worked.
    func work() throws -> Int {
      var clock = clockid_t()
      try #require(clock_getcpuclockid(process.processIdentifier, &clock) == 0)
      var time = timespec()
      try #require(clock_gettime(clock, &time) == 0)
      return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
  }

  /// It waits for a frame, or for the time of the next one.
  @Test(arguments: [[], ["--max-fps", "1"]])
  func waitingProgramTakesNoTimeOfTheCPU(arguments: [String]) throws {
    let program = try Program(arguments)
    let writer = program.input.fileHandleForWriting
    try writer.write(contentsOf: Self.frame(0))
    _ = try program.line()
    if !arguments.isEmpty { try writer.write(contentsOf: Self.frame(1)) }
    Thread.sleep(forTimeInterval: 0.1)
    let before = try program.work()
    Thread.sleep(forTimeInterval: 0.5)
    #expect(try program.work() - before < 5_000_000)
    try writer.close()
    program.process.waitUntilExit()
    #expect(program.process.terminationStatus == 0)
  }

  @Test func framesBetweenThoseOfTheHighestRateAreDropped() throws {
    let source = Source()
    let program = try Program(["--max-fps", "2", "--frames", "3"], input: source.pipe)
    let start = Date()
    source.start()
    var last = -1
    for taken in 1...3 {
      let line = try program.line()
      let number = try #require(line["frame"] as? Int)
      let dropped = try #require(line["dropped"] as? Int)
      // Not the one after the last, which came during the sleep, but the newest after it.
      #expect(number > last + (taken > 1 ? 2 : 0))
      #expect(dropped >= number + 1 - taken)
      last = number
    }
    // Sleeping takes no less than its time on any machine.
    #expect(Date().timeIntervalSince(start) >= 1)
    program.process.waitUntilExit()
    #expect(program.process.terminationStatus == 0)
  }
}
