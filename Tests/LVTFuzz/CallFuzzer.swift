// SPDX-License-Identifier: Apache-2.0
import CLVT
import LVTC
import LVTTestSupport

extension Fuzzer {
  /// The input's bytes choose a plan, how it is opened and what is called.
  static let calls = Fuzzer(
    name: "calls", summary: "options, frames and arguments of lvt.h", longest: 256,
    run: { input in try CallTrial(Entropy(input)).run() })
}

/// A model of lvt.h, and functions called with any numbers.
private struct CallTrial {
  private let entropy: Entropy

  init(_ entropy: Entropy) { self.entropy = entropy }

  private static let plans: [[UInt8]] =
    ["tiny", "tiny-detector", "tiny-segmenter", "tiny-rcnn"].map {
      (try? repositoryFile("Tests/Fixtures/plan/\($0).lvt")) ?? []
    }

  private static let numbers: [Int32] = [0, 1, 2, 3, 4, 7, 64, 65, -1, .min, .max]

  private func number() -> Int32 {
    entropy.flag() ? entropy.element(of: Self.numbers) : Int32(entropy.integer(in: -3...70))
  }

  private func text() -> [CChar]? {
    entropy.element(of: [
      nil, "", "0", "0-1", "1,0", "4-", "x", "neon", "avx2", "scalar", "\u{1B}[2J", "1023",
    ]).map { Array($0.utf8CString) }
  }

  /// - Throws: ``Finding``
  func run() throws {
    var message = [CChar](repeating: 77, count: entropy.integer(in: 0...40))
    /// Calls a function that may write a message, and looks at both.
    func status(
      _ call: (UnsafeMutablePointer<CChar>?, Int) -> lvt_status
    ) throws -> lvt_status {
      let count = message.count
      let status = message.withUnsafeMutableBufferPointer { call($0.baseAddress, count) }
      guard status.rawValue <= LVT_NOT_VERIFIED.rawValue else {
        throw Finding(description: "status \(status.rawValue)")
      }
      guard count == 0 || message.contains(0) else {
        throw Finding(description: "a message without an end")
      }
      if count > 1, (message[0] == 0) != (status == LVT_OK) {
        // Characters of several bytes may be cut to nothing.
        guard status != LVT_OK, count < 5 else {
          throw Finding(description: "status \(status.rawValue) and its message")
        }
      }
      return status
    }

    var options = lvt_options()
    options.size =
      entropy.flag()
      ? MemoryLayout<lvt_options>.size : entropy.integer(in: 0...MemoryLayout<lvt_options>.size + 2)
    // More threads than a few take the fuzzer's time.
    let threads = number()
    options.threads = (5...64).contains(threads) ? 2 : threads
    options.affinity = lvt_affinity(rawValue: UInt32(entropy.integer(in: 0...4)))
    options.work = entropy.element(of: [0, 0, 1, 1 << 20, .max])
    let (processors, isa) = (text(), text())
    var plan = entropy.element(of: Self.plans)
    if entropy.integer(in: 0...7) == 0 { plan.removeLast(plan.count / 3) }
    var model: OpaquePointer?
    let opened = try withOptional(processors) { processors in
      try withOptional(isa) { isa in
        options.processors = processors
        options.isa = isa
        return try status { lvt_model_open_bytes(plan, plan.count, &options, &model, $0, $1) }
      }
    }
    guard (opened == LVT_OK) == (model != nil) else {
      throw Finding(description: "a model in spite of status \(opened.rawValue)")
    }
    defer { lvt_model_close(model) }

    for _ in 0..<entropy.integer(in: 1...8) {
      switch entropy.integer(in: 0...7) {
      case 0: _ = try status { lvt_model_verify(model, $0, $1) }
      case 1: try top(model)
      case 2: try detections(model)
      case 3: labelMap(model)
      case 4: outputs(model)
      case 5: mask(model)
      default:
        try pixels { bytes in
          var frame = frame(bytes)
          _ = try status { lvt_model_classify(model, &frame, $0, $1) }
        }
      }
    }
  }

  private func withOptional<R>(
    _ string: [CChar]?, _ body: (UnsafePointer<CChar>?) throws -> R
  ) rethrows -> R {
    guard let string else { return try body(nil) }
    return try string.withUnsafeBufferPointer { try body($0.baseAddress) }
  }

  /// Memory of just so many bytes, so that the address sanitizer sees a read past it.
  private func pixels(_ body: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    let count = entropy.integer(in: 0...4000)
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { bytes.deallocate() }
    for i in bytes.indices { bytes[i] = UInt8(truncatingIfNeeded: i &* i) }
    try body(bytes)
  }

  private func frame(_ bytes: UnsafeMutableRawBufferPointer) -> lvt_frame {
    lvt_frame(
      bytes: bytes.baseAddress, byte_count: bytes.count,
      format: lvt_format(rawValue: UInt32(entropy.integer(in: 0...10))), width: number(),
      height: number(), stride: entropy.flag() ? 0 : Int(number()),
      is_full_range: number(), matrix: lvt_matrix(rawValue: UInt32(entropy.integer(in: 0...2))))
  }

  private func top(_ model: OpaquePointer?) throws {
    let room = Int32(entropy.integer(in: 0...9))
    var found = [lvt_candidate](repeating: lvt_candidate(), count: Int(room))
    let count = lvt_model_top(model, &found, room)
    guard count <= room, count <= lvt_model_class_count(model) else {
      throw Finding(description: "\(count) classes in room for \(room)")
    }
    for candidate in found.prefix(Int(count)) {
      guard candidate.label == lvt_model_label(model, candidate.index) else {
        throw Finding(description: "another label of class \(candidate.index)")
      }
    }
    _ = lvt_model_label(model, number())
  }

  private func detections(_ model: OpaquePointer?) throws {
    let room = Int32(entropy.integer(in: 0...9))
    var found = [lvt_detection](repeating: lvt_detection(), count: Int(room))
    let least = entropy.element(of: [0, 0.5, 1, -1, .nan, .infinity, -.infinity] as [Float])
    guard lvt_model_detections(model, least, &found, room) <= room else {
      throw Finding(description: "more objects than there is room for")
    }
  }

  private func labelMap(_ model: OpaquePointer?) {
    pixels { bytes in
      let labels = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      let stride = entropy.flag() ? 0 : Int(number())
      _ = lvt_model_label_map(model, labels, bytes.count, stride)
    }
  }

  private func mask(_ model: OpaquePointer?) {
    let least = entropy.element(of: [0, 0.5, 1, -1, .nan, .infinity, -.infinity] as [Float])
    pixels { bytes in
      let rows = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      let stride = entropy.flag() ? 0 : Int(number())
      _ = lvt_model_mask(model, least, number(), rows, bytes.count, stride)
    }
  }

  private func outputs(_ model: OpaquePointer?) {
    var output = lvt_output()
    _ = lvt_model_output(model, number(), &output)
    _ = (lvt_model_task(model), lvt_model_threads(model), lvt_model_isa(model))
  }
}
