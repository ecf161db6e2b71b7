// SPDX-License-Identifier: Apache-2.0
internal import CLVT
internal import CLVTAllocations
internal import CLVTSystem
internal import Glibc
internal import LVT
internal import LVTC
internal import LVTCapture
internal import Synchronization

// lvt-allocations PLAN JPEG: fails if running an engine, reading the results of frames of one size, in Swift and
// by lvt.h, or running on a pipe's 10,000 frames or more, of which every fifth is cut short, allocates.
// A program of its own because it counts the allocations of the whole process.

func fail(_ message: String) -> Never { fatalError(message) }

let plan = try Plan(path: CommandLine.arguments[1])
for threads in 1...4 {
  let engine = try Engine(plan: plan, threads: threads)
  engine.run()
  let before = lvt_allocation_count()
  for _ in 0..<50 {
    engine.withPicture { pixels in pixels.storeBytes(of: 77, as: UInt8.self) }
    engine.run()
  }
  let count = lvt_allocation_count() - before
  guard count == 0 else { fail("\(count) allocations in 50 runs with \(threads) threads") }
}

/// Runs the plan on frames, and reads what it finds without allocating.
enum Reader {
  case classifier(Classifier)
  case detector(Detector)
  case segmenter(Segmenter)

  init(_ engine: Engine) throws {
    let kinds = engine.plan.outputs.map { $0.kind }
    if kinds.contains(.detections) {
      self = .detector(try Detector(engine: engine))
    } else if kinds.contains(.pixelClasses) {
      self = .segmenter(try Segmenter(engine: engine))
    } else {
      self = .classifier(try Classifier(engine: engine))
    }
  }

  func read(
    _ frame: ImageView, _ found: inout [Detection], _ labels: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageError) {
    switch self {
    case .classifier(let classifier):
      try classifier.load(frame)
      classifier.engine.run()
    case .detector(let detector): try detector.detect(frame, into: &found)
    case .segmenter(let segmenter): try segmenter.segment(frame, into: labels)
    }
  }
}

let reader = try Reader(Engine(plan: plan))
var found: [Detection] = []
let labels = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1 << 24)
let frame = [UInt8](repeating: 99, count: 640 * 480 * 3)
try frame.withUnsafeBytes { bytes in
  let view = try ImageView(format: .rgb8, width: 640, height: 480, bytes: bytes)
  try reader.read(view, &found, labels)
  let before = lvt_allocation_count()
  for _ in 0..<20 { try reader.read(view, &found, labels) }
  let count = lvt_allocation_count() - before
  guard count == 0 else { fail("\(count) allocations in 20 frames") }
}

// The same from C.
var model: OpaquePointer?
var options = lvt_options()
options.size = MemoryLayout<lvt_options>.size
options.threads = 2
guard lvt_model_open(CommandLine.arguments[1], &options, &model, nil, 0) == LVT_OK else {
  fail("no model")
}
frame.withUnsafeBytes { bytes in
  var frame = lvt_frame(
    bytes: bytes.baseAddress, byte_count: bytes.count, format: LVT_RGB8, width: 640, height: 480,
    stride: 0, is_full_range: 0, matrix: LVT_BT601)
  var top = lvt_candidate(), object = lvt_detection()
  var before: UInt64 = 0
  for i in 0...20 {
    if i == 1 { before = lvt_allocation_count() }
    guard lvt_model_classify(model, &frame, nil, 0) == LVT_OK else { fail("no run") }
    let isThere =
      switch reader {
      case .classifier: lvt_model_top(model, &top, 1) == 1
      case .detector: lvt_model_detections(model, 0, &object, 1) == 1
      case .segmenter:
        lvt_model_label_map(model, labels.baseAddress, labels.count, 0) == LVT_OK
      }
    guard isThere else { fail("no result") }
  }
  let count = lvt_allocation_count() - before
  guard count == 0 else { fail("\(count) allocations in 20 frames from C") }
}
lvt_model_close(model)

/// A thread that writes five frames, the last of which is cut short, again and again.
final class Writer {
  /// How often it writes them at least.
  static let leastRounds = 2000
  /// Set by the reader, which is not given all frames of a live pipe, when it has seen enough of them.
  let isEnough = Atomic(false)
  /// How often it wrote them; read it when the thread has ended.
  private(set) var rounds = 0
  private let five: [UInt8]
  private let descriptor: Int32

  init(_ five: [UInt8], to descriptor: Int32) {
    self.five = five
    self.descriptor = descriptor
  }

  func run() {
    five.withUnsafeBytes { bytes in
      while rounds < Self.leastRounds || !isEnough.load(ordering: .relaxed) {
        guard lvt_write_all(descriptor, bytes.baseAddress, bytes.count) == 0 else { break }
        rounds += 1
      }
    }
    lvt_close(descriptor)
  }
}

func write(_ context: UnsafeMutableRawPointer?) {
  guard let context else { return }
  Unmanaged<Writer>.fromOpaque(context).takeUnretainedValue().run()
}

var mapping = lvt_mapping()
guard lvt_map_file(CommandLine.arguments[2], &mapping) == 0 else { fail("no JPEG") }
let jpeg = Array(UnsafeRawBufferPointer(start: mapping.bytes, count: mapping.count))
let five = jpeg + jpeg + jpeg + jpeg + jpeg.prefix(jpeg.count * 2 / 3)
// Buffers grow to the frames' size during the first; what follows is counted.
let first = 20, least = 200
for isLive in [false, true] {
  var ends: [Int32] = [0, 0]
  guard pipe(&ends) == 0 else { fail("no pipe") }
  let writer = Writer(five, to: ends[1])
  var thread: OpaquePointer?
  guard lvt_thread_start(write, Unmanaged.passUnretained(writer).toOpaque(), &thread) == 0 else {
    fail("no thread")
  }
  let frames = try FramePipe(
    descriptor: ends[0], isLive: isLive, stop: try StopEvent())
  let decoder = try JPEGDecoder()
  var labelled = 0, atStart: UInt64 = 0, now: UInt64 = 0
  while let frame = try frames.next() {
    guard case .jpeg(let bytes) = frame.content else { fail("no JPEG") }
    let picture = try decoder.decode(bytes)
    try picture.withView { view throws(ImageError) in try reader.read(view, &found, labels) }
    labelled += 1
    if labelled == first { atStart = lvt_allocation_count() }
    if labelled == least { writer.isEnough.store(true, ordering: .relaxed) }
    now = lvt_allocation_count()
  }
  lvt_thread_join(thread)
  guard labelled >= least else { fail("\(labelled) frames of a pipe, live: \(isLive)") }
  guard now == atStart else {
    fail("\(now - atStart) allocations in \(labelled) frames of a pipe, live: \(isLive)")
  }
  let losses = frames.losses
  guard labelled + losses.dropped == 4 * writer.rounds, losses.damaged == writer.rounds else {
    fail(
      "\(writer.rounds) times four frames and a damaged one: \(labelled) labelled, "
        + "\(losses.dropped) dropped, \(losses.damaged) damaged")
  }
  guard isLive || losses.dropped == 0 else { fail("dropped without being live") }
  print(
    "a pipe, live: \(isLive): \(labelled) frames labelled of \(5 * writer.rounds), no allocation")
}

let before = lvt_allocation_count()
let proof = [Int](repeating: 1, count: CommandLine.arguments.count * 1000)
guard lvt_allocations_are_counted(), lvt_allocation_count() > before, proof.count > 0 else {
  fail("allocations are not counted here, so nothing was shown")
}
print("no allocations between runs, threads 1 to 4, nor between frames of one size")
