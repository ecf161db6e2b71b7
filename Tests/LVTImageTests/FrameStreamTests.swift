// SPDX-License-Identifier: Apache-2.0

import Foundation
import LVTImage
import LVTModel
import Testing

@testable import LVTCapture

struct FrameStreamTests {
  /// What a stream is cut into when it comes in pieces of a size.
  private func cut(
    _ stream: [UInt8], piece: Int, _ content: FrameCutter.Content = .jpegs
  ) throws -> (frames: [[UInt8]], damaged: Int, looked: Int) {
    var cutter = try FrameCutter(content)
    var frames: [[UInt8]] = []
    var rest = stream[...]
    while true {
      switch try cutter.next() {
      case .frame(let frame): frames.append(Array(frame))
      case .isUnfinished: continue
      case .needsBytes:
        if rest.isEmpty {
          if cutter.finish() { continue }
          return (frames, cutter.damaged, cutter.looked)
        }
        let room = try cutter.room()
        try #require(room.count > 0)
        let bytes = rest.prefix(min(piece, room.count))
        rest = rest.dropFirst(bytes.count)
        room.copyBytes(from: bytes)
        cutter.append(bytes.count)
      }
    }
  }

  private let good: [[UInt8]]

  init() throws {
    good = try ["420.jpg", "grey.jpg", "progressive.jpg", "restarts.jpg"].map(fixture)
  }

  @Test(arguments: [1, 2, 7, 1000, 65536])
  func framesAreFoundWhateverTheReads(piece: Int) throws {
    let stream: [UInt8] =
      [0, 0xFF, 0xD8, 0, 0xFF] + good[0] + Array("--boundary\r\n\r\n".utf8) + good[1] + good[2]
      + [0xFF, 0xFF] + good[3]
    let (frames, damaged, _) = try cut(stream, piece: piece)
    #expect(frames == good && damaged == 0)
  }

  @Test func pictureInsideASegmentIsNoFrame() throws {
    var preview = good[0]
    let length = good[1].count + 2
    preview.insert(
      contentsOf: [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)] + good[1], at: 2)
    #expect(try cut(preview + good[3], piece: 100).frames == [preview, good[3]])
  }

  @Test(arguments: [1, 333, 65536])
  func damagedFramesAreCountedAndPassedOver(piece: Int) throws {
    let bad: [[UInt8]] = [
      Array(good[0].prefix(good[0].count / 2)),  // cut short, in the data
      Array(good[0].dropLast(2)),  // without an end
      Array(good[0].prefix(30)),  // cut short, in a segment
      [0xFF, 0xD8, 0xFF, 0xE0, 0, 1] + good[0].dropFirst(6),  // a length that is none
      [0xFF, 0xD8, 0xFF, 0xE0, 2, 0xFF] + good[0].dropFirst(6),  // a length into the data
      [0xFF, 0xD8, 0xFF, 0xFE, 0xFF, 0xFF],  // a length over the next frames
    ]
    for bad in bad {
      let (frames, damaged, _) = try cut(good[1] + bad + good[2] + good[3], piece: piece)
      #expect(frames == [good[1], good[2], good[3]])
      #expect(damaged == 1)
    }
  }

  @Test func truncatedLastFrameIsDamaged() throws {
    for count in [3, 20, good[0].count - 1] {
      let (frames, damaged, _) = try cut(good[1] + good[0].prefix(count), piece: 50)
      #expect(frames == [good[1]] && damaged == 1, "\(count) bytes")
    }
  }

  @Test func framesOfPixelsAreOfOneSize() throws {
    let stream = (0..<35).map { UInt8($0) }
    for piece in [1, 9, 10, 11, 100] {
      let (frames, damaged, _) = try cut(stream, piece: piece, .pixels(10))
      #expect(frames == [Array(0..<10), Array(10..<20), Array(20..<30)] && damaged == 1)
    }
  }

  /// Streams that let walks meet again and again, and pieces of them beside each other at random.
  @Test func bytesAreLookedAtAConstantNumberOfTimes() throws {
    let units: [[UInt8]] = [
      // segments that meet
      [0xFF, 0xD8, 0xFF, 0xE0, 0, 8, 0xFF, 0xD8, 0xFF, 0xE0, 0, 2, 0xFF, 0xE0, 0, 8],
      [0xFF, 0xD8, 0xFF, 0xDA, 0, 8, 0xFF, 0xD8, 0xFF, 0xDA],  // data that never ends
      [0xFF, 0xD8, 0xFF, 0xFE, 0xFF, 0xFF],  // segments beyond the end
      [0xFF, 0xD8, 0xFF, 0xFE, 0x10, 0, 0xFF, 0xD8, 0xFF, 0xD9],  // frames in between
      [0xFF], [0xFF, 0xD8], [0xFF, 0xD8, 0xFF], [0], [0xFF, 0xE0, 0, 2], [0x11, 0xFF, 0],
      good[0],
    ]
    var generator = SplitMix64(seed: 6)
    for mix in 0..<24 {
      var stream: [UInt8] = []
      while stream.count < 200_000 {
        stream += mix < units.count ? units[mix] : units.randomElement(using: &generator) ?? []
      }
      for piece in [999, 65536] {
        let looked = try cut(stream, piece: piece).looked
        #expect(looked <= (JPEGWalk.looks + 2) * stream.count, "mix \(mix): \(looked)")
      }
    }
  }

  @Test func callLooksAtAPieceOnly() throws {
    var cutter = try FrameCutter(.jpegs)
    let stream = [0xFF, 0xD8, 0xFF, 0xDA, 0, 2] + [UInt8](repeating: 0x11, count: 5 << 20)
    var given = 0
    while given < stream.count {
      let room = try cutter.room()
      let bytes = stream[given...].prefix(room.count)
      room.copyBytes(from: bytes)
      cutter.append(bytes.count)
      given += bytes.count
    }
    var calls = 0, looked = cutter.looked
    while case .isUnfinished = try cutter.next() {
      #expect(cutter.looked - looked <= 1 << 19)
      looked = cutter.looked
      calls += 1
    }
    #expect(calls >= 10)
  }

  @Test func frameOverTheLimitIsDamagedAndTheStreamGoesOn() throws {
    let long = [0xFF, 0xD8, 0xFF, 0xDA, 0, 2] + [UInt8](repeating: 0x11, count: 70 << 20)
    let (frames, damaged, looked) = try cut(
      good[0] + good[1] + long + good[2] + good[3], piece: 1 << 20)
    #expect(frames == good && damaged == 1)
    #expect(looked < (JPEGWalk.looks + 2) * long.count)
  }

  @Test func noiseNeitherCrashesNorGrows() throws {
    var generator = SplitMix64(seed: 5)
    for _ in 0..<200 {
      var stream = good.flatMap { $0 }
      for _ in 0..<20 {
        stream[Int.random(in: stream.indices, using: &generator)] =
          [0xFF, 0xD8, 0xD9, 0xDA, 0x00, 0xE0].randomElement(using: &generator) ?? 0
      }
      for frame in try cut(stream, piece: 777).frames { #expect(frame.starts(with: [0xFF, 0xD8])) }
    }
  }

  // MARK: The newest frame

  /// Replays a source that delivers every `period` and a network that takes `inference`, on a clock of
  /// its own: the age of each label, and what was dropped.
  private func ages(period: Int, inference: Int, until end: Int) throws -> (
    ages: [Int], dropped: Int
  ) {
    let mailbox = try Mailbox(middle: -1)
    var used = -1, ages: [Int] = []
    var now = 0, delivered = 0
    while now < end {
      // The source does not wait for the network.
      while delivered + period <= now {
        delivered += period
        _ = mailbox.exchange(delivered)
      }
      if delivered == 0 || mailbox.lossesSoFar.dropped + ages.count == delivered / period {
        now = delivered + period  // nothing new: the network waits
        continue
      }
      used = try #require(mailbox.take(used))
      let taken = now
      #expect(taken - used < period, "a newer frame was there")
      now += inference
      ages.append(now - used)
    }
    return (ages, mailbox.lossesSoFar.dropped)
  }

  @Test(arguments: [1, 5, 16, 17, 40, 100, 501])
  func labelIsNoOlderThanAFrameAndAnInference(inference: Int) throws {
    let (ages, dropped) = try ages(period: 16, inference: inference, until: 20_000)
    #expect(ages.allSatisfy { $0 <= 16 + inference })
    #expect(ages.count > 30)
    #expect((dropped > 0) == (inference > 16))
  }

  @Test func mailboxOfThreadsHandsOutEachFrameOnceAndTheLast() throws {
    let mailbox = try Mailbox(middle: -1)
    let count = 100_000
    nonisolated(unsafe) let writer = mailbox
    Thread.detachNewThread {
      var slot = -1
      for i in 0..<count {
        let back = writer.exchange(i)
        if back >= i { fatalError("the reader's slot came from the future") }
        slot = back
      }
      _ = slot
      writer.close()
    }
    var seen: [Int] = [], used = -1
    while let frame = mailbox.take(used) {
      seen.append(frame)
      used = frame
    }
    #expect(seen.last == count - 1)
    #expect(zip(seen, seen.dropFirst()).allSatisfy { $0 < $1 })
    #expect(mailbox.lossesSoFar.dropped + seen.count == count)
  }

  // MARK: Pipes

  @Test func pipeHandsOutEveryFrameInOrder() throws {
    let source = pipeline((0..<50).flatMap { good[$0 % 4] })
    let frames = try FramePipe(
      descriptor: source.fileHandleForReading.fileDescriptor, isLive: false, stop: StopEvent())
    var count = 0
    while let frame = try frames.next() {
      guard case .jpeg(let bytes) = frame.content else { break }
      #expect(Array(bytes) == good[count % 4] && frame.number == count)
      count += 1
    }
    #expect(count == 50 && frames.losses == FrameLosses())
  }

  @Test func livePipeEndsWithTheNewestFrame() throws {
    let source = pipeline((0..<50).flatMap { good[$0 % 4] } + good[0].prefix(100))
    let frames = try FramePipe(
      descriptor: source.fileHandleForReading.fileDescriptor, isLive: true, stop: StopEvent())
    var count = 0, last = -1
    while let frame = try frames.next() {
      guard case .jpeg(let bytes) = frame.content else { break }
      #expect(frame.number > last && Array(bytes) == good[frame.number % 4])
      last = frame.number
      count += 1
    }
    #expect(last == 49)
    #expect(frames.losses == FrameLosses(dropped: 50 - count, damaged: 1))
  }

  @Test(arguments: [true, false])
  func stopEndsAPipeWhoseWriterIsSilent(isLive: Bool) throws {
    let source = Pipe()
    let stop = try StopEvent()
    let frames = try FramePipe(
      descriptor: source.fileHandleForReading.fileDescriptor,
      layout: FrameLayout(format: .yu12, width: 8, height: 6), isLive: isLive, stop: stop)
    stop.raise()
    #expect(try frames.next().map { $0.number } == nil)
    withExtendedLifetime(source) {}
  }

  @Test func whatIsNoCameraIsSaidSo() throws {
    for (path, part) in [("/dev/null", "not a camera"), ("/dev/video999", "no such camera")] {
      do throws(CaptureError) {
        _ = try Camera(path: path, request: CameraRequest(), stop: StopEvent())
        Issue.record("\(path) is a camera")
      } catch { #expect(error.description.contains(part), "\(error.description)") }
    }
  }
}
