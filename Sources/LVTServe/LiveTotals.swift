// SPDX-License-Identifier: Apache-2.0
internal import LVT
public import LVTCapture

/// What was counted and timed since a stream began.
public struct LiveTotals: Equatable, Sendable {
  /// Frames on which the network ran.
  public private(set) var frames = 0
  /// Frames that were not run.
  public private(set) var losses = FrameLosses()
  private var capture: UInt64 = 0, preprocess: UInt64 = 0, inference: UInt64 = 0

  /// Nothing yet.
  public init() {}

  /// Counts a frame and the nanoseconds that it waited, that making the input of it took, and that the network
  /// ran; `losses` are those of all the stream.
  public mutating func add(
    capture: UInt64, preprocess: UInt64, inference: UInt64, losses: FrameLosses
  ) {
    frames += 1
    self.capture += capture
    self.preprocess += preprocess
    self.inference += inference
    self.losses = losses
  }

  /// In Prometheus' text form; times as summaries, whose sums and counts give means over any time.
  ///
  /// - Parameters:
  ///   - labels: Members of `lvt_info`, as in `version="1.0",model="m.lvt"`.
  ///   - viewers: Connections that get pictures, and that get events.
  func text(labels: String, viewers: (pictures: Int, events: Int)) -> String {
    func seconds(_ nanoseconds: UInt64) -> String { fixed(Double(nanoseconds) / 1e9, 6) }
    var text = ""
    func add(_ name: String, _ kind: String, _ help: String, _ lines: [String]) {
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
      for line in lines { text += name + line + "\n" }
    }
    func time(_ name: String, _ help: String, _ sum: UInt64) {
      add(name, "summary", help, ["_sum \(seconds(sum))", "_count \(frames)"])
    }
    add("lvt_info", "gauge", "What runs.", ["{\(labels)} 1"])
    add("lvt_frames_total", "counter", "Frames on which the network ran.", [" \(frames)"])
    add(
      "lvt_dropped_frames_total", "counter",
      "Frames that a newer one replaced, or the camera lost.",
      [" \(losses.dropped)"])
    add(
      "lvt_damaged_frames_total", "counter", "Frames that were damaged or cut short.",
      [" \(losses.damaged)"])
    time("lvt_capture_seconds", "How long frames waited until they were taken up.", capture)
    time("lvt_preprocess_seconds", "Decoding a frame and making the network's input.", preprocess)
    time("lvt_inference_seconds", "Running the network.", inference)
    add(
      "lvt_viewers", "gauge", "Connections that get pictures or events.",
      ["{kind=\"pictures\"} \(viewers.pictures)", "{kind=\"events\"} \(viewers.events)"])
    return text
  }
}
