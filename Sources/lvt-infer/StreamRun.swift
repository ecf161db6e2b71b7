// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT
internal import LVTCapture
internal import LVTServe

/// Runs a plan on one frame of a stream after the other.
///
/// A frame that is damaged is counted and passed over.
struct StreamRun {
  private let finder: Finder
  private let decoder: JPEGDecoder
  private let files: ResultFiles
  private let arguments: Arguments
  private let server: LiveServer?
  private let stop: StopEvent
  private let isLine: Bool

  init(
    _ finder: Finder, _ decoder: JPEGDecoder, _ files: ResultFiles, _ server: LiveServer?,
    _ arguments: Arguments, _ stop: StopEvent
  ) {
    self.stop = stop
    self.server = server
    self.finder = finder
    self.decoder = decoder
    self.files = files
    self.arguments = arguments
    isLine = Console.isTerminal && !arguments.json
  }

  /// Whether there was a frame and nothing failed.
  func run(_ source: FrameSource) -> Bool {
    var count = 0, undecoded = 0, areWritten = true
    var failure: CaptureError?
    // The least time from one frame's start to the next one's, and when the next may start.
    let period = arguments.highestRate.map { 1_000_000_000 / UInt64($0) } ?? 0
    var earliest: UInt64 = 0
    var totals = LiveTotals()
    do throws(CaptureError) {
      while areWritten, count < arguments.frames ?? .max {
        // Before a frame is taken and not after, so that it is the newest.
        stop.wait(until: earliest)
        guard let frame = try source.next() else { break }
        let start = lvt_nanoseconds()
        let image: Image?
        do throws(CaptureError) {
          image = try load(frame, isSaved: count == 0)
        } catch {
          if case .unwritable = error { throw error }
          undecoded += 1
          continue
        }
        earliest = start + period
        let loaded = lvt_nanoseconds()
        finder.engine.run()
        count += 1
        if count == 1, let hint = source.hint { Console.report(hint) }
        var losses = source.losses
        losses.damaged += undecoded
        let end = lvt_nanoseconds()
        let record = FrameRecord(
          frame, capture: start - min(frame.nanoseconds, start), preprocess: loaded - start,
          inference: end - loaded, losses)
        totals.add(
          capture: record.capture, preprocess: record.preprocess, inference: record.inference,
          losses: losses)
        let wishes = server?.wishes ?? LiveWishes()
        let finding = finder.finding(withMasks: !isLine || wishes.lines || files.areDrawn)
        tell(frame, finding, record, totals, wishes)
        areWritten = files.write(finding, image, of: .frame(number: frame.number))
      }
    } catch { failure = error }
    Console.endLine()
    if count > 0 || failure == nil {
      let losses = source.losses
      Console.report(
        "\(count) frames, \(losses.dropped) dropped, \(losses.damaged + undecoded) damaged")
    }
    if let failure {
      var place = arguments.camera ?? "standard input"
      if case .unwritable = failure, let file = arguments.savedFrame { place = Console.name(file) }
      Console.report("\(place): \(failure.advised)")
    }
    return count > 0 && failure == nil && areWritten
  }

  /// Makes the input of a frame; the image is one to draw on, if that is asked for.
  private func load(_ frame: Frame, isSaved: Bool) throws(CaptureError) -> Image? {
    switch frame.content {
    case .pixels(let view):
      try load(view, isSaved: isSaved)
      guard files.areDrawn else { return nil }
      do throws(ImageError) { return try Image(view) } catch { throw .image(error) }
    case .jpeg(let bytes):
      let image = try decoder.decode(bytes)
      try image.withView { view throws(CaptureError) in try load(view, isSaved: isSaved) }
      return image
    }
  }

  private func load(_ view: ImageView, isSaved: Bool) throws(CaptureError) {
    let copy: Image?
    do throws(ImageError) {
      try finder.load(view)
      copy = isSaved && arguments.savedFrame != nil ? try Image(view) : nil
    } catch { throw .image(error) }
    if let copy, let path = arguments.savedFrame { try PNMFile.write(copy, path: path) }
  }

  /// When a frame was complete, and what it took.
  private struct FrameRecord {
    let number: Int
    /// Since 1970.
    let seconds: String
    /// Nanoseconds that it waited, that making the input took, and that the network ran.
    let capture, preprocess, inference: UInt64
    let losses: FrameLosses

    init(
      _ frame: Frame, capture: UInt64, preprocess: UInt64, inference: UInt64, _ losses: FrameLosses
    ) {
      number = frame.number
      let now = lvt_nanoseconds()
      seconds = fixed(
        lvt_wall_seconds() - Double(now - min(frame.nanoseconds, now)) / 1e9, 3)
      (self.capture, self.preprocess, self.inference) = (capture, preprocess, inference)
      self.losses = losses
    }
  }

  /// Writes a frame's line, and shows it to those who look at the live page.
  private func tell(
    _ frame: Frame, _ finding: Finding, _ record: FrameRecord, _ totals: LiveTotals,
    _ wishes: LiveWishes
  ) {
    // Only of objects there is more than is told.
    let hasMore: Bool = if case .objects = finding { true } else { false }
    let isRead = !isLine || wishes.lines || wishes.everything && !hasMore
    let line = isRead ? line(finding, record) : nil
    if isLine {
      Console.printOver(
        "\(finding.text(arguments))  (age \(milliseconds(record.capture)), input "
          + "\(milliseconds(record.preprocess)), network \(milliseconds(record.inference)) ms; "
          + "\(record.losses.dropped) dropped, \(record.losses.damaged) damaged)")
    } else if let line {
      Console.print(line)
    }
    server?.publish(
      wishes.pictures ? frame.content : nil, line: wishes.lines ? line : nil,
      everything: !wishes.everything ? nil : hasMore ? self.line(finder.everything, record) : line,
      seconds: record.seconds, totals: totals)
  }

  /// A frame as a JSON object.
  private func line(_ finding: Finding, _ record: FrameRecord) -> String {
    "{\"time\":\(record.seconds),\"frame\":\(record.number),"
      + "\(finding.json(arguments)),\"capture_ms\":\(milliseconds(record.capture)),"
      + "\"preprocess_ms\":\(milliseconds(record.preprocess)),"
      + "\"inference_ms\":\(milliseconds(record.inference)),"
      + "\"dropped\":\(record.losses.dropped),\"damaged\":\(record.losses.damaged)"
      + logits(finding) + "}"
  }

  private func milliseconds(_ nanoseconds: UInt64) -> String { fixed(Double(nanoseconds) / 1e6, 2) }

  /// The network's raw output as a further member, if it is asked for.
  private func logits(_ finding: Finding) -> String {
    guard arguments.logits, case .classes(let classification) = finding else { return "" }
    return ",\(classification.logitsJSON)"
  }
}
