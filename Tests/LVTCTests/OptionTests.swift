// SPDX-License-Identifier: Apache-2.0
import CLVT
import Foundation
import LVT
import LVTC
import LVTTestSupport
import Testing

/// `lvt_options`, and what a model says of itself.
@Suite struct OptionTests {
  private let path = fixtures + "/plan/tiny.lvt"

  /// Opens a plan with changed options; calls `body` with the model, if there is one.
  private func opened(
    _ path: String? = nil, _ change: (inout lvt_options) -> Void = { _ in },
    running body: (OpaquePointer) -> Void = { _ in }
  ) -> (status: lvt_status, message: String) {
    var options = options(threads: 1)
    change(&options)
    var model = OpaquePointer(bitPattern: 8)
    var message = [CChar](repeating: 77, count: 200)
    let status = lvt_model_open(path ?? self.path, &options, &model, &message, message.count)
    defer { lvt_model_close(model) }
    #expect((model != nil) == (status == LVT_OK))
    if let model { body(model) }
    let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return (status, String(decoding: text, as: UTF8.self))
  }

  @Test func versionIsThatOfThePrograms() {
    #expect("lvt " + String(cString: lvt_version()) == lvtVersion)
    #expect("lvt \(LVT_VERSION_MAJOR).\(LVT_VERSION_MINOR)" == lvtVersion)
  }

  @Test func modelSaysWhatItIs() throws {
    for (name, task) in [
      ("tiny", LVT_CLASSES), ("tiny-detector", LVT_DETECTIONS), ("tiny-rcnn", LVT_DETECTIONS),
      ("tiny-segmenter", LVT_PIXEL_CLASSES),
    ] {
      let path = fixtures + "/plan/\(name).lvt", plan = try Plan(path: path)
      let found = opened(
        path, { $0.threads = 3 },
        running: { model in
          #expect(lvt_model_task(model) == task)
          #expect(lvt_model_input_width(model) == plan.input.width)
          #expect(lvt_model_input_height(model) == plan.input.height)
          #expect(lvt_model_threads(model) == 3)
          #expect(String(cString: lvt_model_isa(model)) == ISA.best.name)
        })
      #expect(found.status == LVT_OK && found.message.isEmpty)
    }
    #expect(lvt_model_task(nil) == LVT_MAP && lvt_model_threads(nil) == 0)
    #expect(lvt_model_input_width(nil) == 0 && lvt_model_input_height(nil) == 0)
    #expect(lvt_model_isa(nil) == nil)
  }

  @Test func planOfFeaturesHasNoOtherTask() throws {
    let bytes = ResultPlan(classes: nil).bytes
    var model: OpaquePointer?
    #expect(lvt_model_open_bytes(bytes, bytes.count, nil, &model, nil, 0) == LVT_OK)
    defer { lvt_model_close(model) }
    #expect(lvt_model_task(model) == LVT_MAP)
  }

  @Test func instructionSetIsTheCallers() {
    for isa in ISA.allCases {
      let found = isa.name.withCString { name in
        opened(
          nil, { $0.isa = name },
          running: { model in
            #expect(String(cString: lvt_model_isa(model)) == isa.name)
            #expect(lvt_model_verify(model, nil, 0) == LVT_OK)
          })
      }
      #expect(found.status == (isa.isAvailable ? LVT_OK : LVT_NO_ENGINE), "\(found.message)")
    }
    let found = "sse\n".withCString { name in opened(nil, { $0.isa = name }) }
    #expect(found.status == LVT_NO_ENGINE)
    #expect(found.message.hasPrefix("options.isa: expected one of scalar, avx2"))
    #expect(found.message.hasSuffix(#"found 'sse\u{a}'"#))
  }

  @Test func processorsAreTheCallers() {
    let allowed = ProcessorSet.allowed
    let first = "\(allowed.numbers[0])"
    /// The status, and where a thread that asks for it is placed.
    func placed(
      _ affinity: lvt_affinity, _ list: String?, threads: Int32 = 1
    ) -> (status: lvt_status, set: ProcessorSet) {
      var list = list.map { Array($0.utf8CString) }
      var options = options(threads: threads)
      options.affinity = affinity
      var model: OpaquePointer?
      let status = withOptionalPointer(&list) { pointer in
        options.processors = pointer
        return lvt_model_open(path, &options, &model, nil, 0)
      }
      defer { lvt_model_close(model) }
      var set = allowed
      if let model {
        // A thread of its own, which keeps the restriction.
        let handle = Handle(model)
        let thread = Thread {
          #expect(lvt_model_place_thread(handle.model, nil, 0) == LVT_OK)
          handle.set = ProcessorSet.allowed
          handle.isDone.signal()
        }
        thread.start()
        handle.isDone.wait()
        set = handle.set
      }
      return (status, set)
    }
    #expect(placed(LVT_INHERITED, nil) == (LVT_OK, allowed))
    #expect(placed(LVT_FASTEST, nil).status == LVT_OK)
    for affinity in [LVT_SHARED, LVT_PINNED] {
      #expect(placed(affinity, first) == (LVT_OK, ProcessorSet(list: first)))
      #expect(placed(affinity, first, threads: 0) == (LVT_OK, ProcessorSet(list: first)))
      for list in [nil, "", "x", "4-", "1023", "3-1", first + "\n"] {
        #expect(placed(affinity, list).status == LVT_NO_ENGINE, "\(list ?? "NULL")")
      }
    }
    #expect(placed(LVT_PINNED, first, threads: 2).status == LVT_NO_ENGINE)
    #expect(placed(LVT_SHARED, first, threads: 2).status == LVT_OK)
    #expect(placed(LVT_INHERITED, first).status == LVT_NO_ENGINE)
    #expect(placed(LVT_FASTEST, first).status == LVT_NO_ENGINE)
    #expect(placed(lvt_affinity(rawValue: 4), first).status == LVT_NO_ENGINE)
    #expect(lvt_model_place_thread(nil, nil, 0) == LVT_BAD_ARGUMENT)
  }

  @Test func limitOfWorkIsTheCallers() throws {
    let work = UInt64(try Plan(path: path).work)
    let found = opened(nil, { $0.work = work - 1 })
    #expect(found.status == LVT_BAD_PLAN && found.message.contains("the limit of \(work - 1)"))
    for work in [work, .max, 0] { #expect(opened(nil, { $0.work = work }).status == LVT_OK) }
  }

  @Test func optionsOfAnotherSizeAreAnError() {
    let size = MemoryLayout<lvt_options>.size
    for wrong in [0, 7, 8, size - 1, size + 1, .max, -1] {
      let found = opened(nil, { $0.size = wrong })
      #expect(found.status == LVT_BAD_ARGUMENT && found.message.hasPrefix("options.size: "))
    }
  }

  @Test func planInMemoryIsCopiedFromAnyBoundary() throws {
    let file = Array(try Data(contentsOf: URL(filePath: path)))
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: file.count + 1, alignment: 64)
    defer { memory.deallocate() }
    let odd = UnsafeMutableRawBufferPointer(rebasing: memory[1...])
    odd.copyBytes(from: file)
    var model: OpaquePointer?
    #expect(lvt_model_open_bytes(odd.baseAddress, file.count, nil, &model, nil, 0) == LVT_OK)
    for i in odd.indices { odd[i] = 0xFF }
    #expect(lvt_model_verify(model, nil, 0) == LVT_OK)
    lvt_model_close(model)

    var message = [CChar](repeating: 77, count: 200)
    for count in [0, 1, 100, file.count - 1] {
      let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
      defer { exact.deallocate() }
      exact.copyBytes(from: file[..<count])
      #expect(
        lvt_model_open_bytes(exact.baseAddress, count, nil, &model, &message, message.count)
          == (exact.baseAddress == nil ? LVT_BAD_ARGUMENT : LVT_BAD_PLAN))
      #expect(model == nil && message[0] != 0)
    }
    #expect(lvt_model_open_bytes(nil, 9, nil, &model, nil, 0) == LVT_BAD_ARGUMENT)
    #expect(lvt_model_open_bytes(file, file.count, nil, nil, nil, 0) == LVT_BAD_ARGUMENT)
  }

  @Test func verificationFindsWhatWasChanged() throws {
    var file = Array(try Data(contentsOf: URL(filePath: path)))
    let plan = try Plan(path: path)
    /// The status of verifying a file's bytes, and the message.
    func verified() -> (status: lvt_status, message: String) {
      var model: OpaquePointer?
      #expect(lvt_model_open_bytes(file, file.count, nil, &model, nil, 0) == LVT_OK)
      defer { lvt_model_close(model) }
      var message = [CChar](repeating: 77, count: 200)
      let status = lvt_model_verify(model, &message, message.count)
      let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      return (status, String(decoding: text, as: UTF8.self))
    }
    #expect(verified() == (LVT_OK, ""))
    #expect(lvt_model_verify(nil, nil, 0) == LVT_BAD_ARGUMENT)
    // A bias, which no checker can find odd.
    guard case .patchEmbed(let embed) = plan.steps[0].operation,
      let constants = plan.constants.baseAddress, let start = plan.fileBytes.baseAddress
    else { throw CancellationError() }
    file[constants - start + embed.matrix.offset + 1] ^= 0x10
    PlanFormat.seal(&file)
    let found = verified()
    #expect(found.status == LVT_NOT_VERIFIED)
    #expect(found.message.hasPrefix("step 0 differs from its golden hash with the "))
  }

  @Test func verificationLeavesNoResultsOfAFrame() throws {
    let found = opened(
      fixtures + "/plan/tiny-detector.lvt",
      running: { model in
        let bytes = (0..<3 * 91 * 57).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 4) }
        bytes.withUnsafeBytes { bytes in
          var frame = lvt_frame(
            bytes: bytes.baseAddress, byte_count: bytes.count, format: LVT_RGB8, width: 91,
            height: 57, stride: 0, is_full_range: 0, matrix: LVT_BT601)
          #expect(lvt_model_classify(model, &frame, nil, 0) == LVT_OK)
        }
        var object = lvt_detection()
        #expect(lvt_model_detections(model, 0, &object, 1) == 1)
        #expect(lvt_model_verify(model, nil, 0) == LVT_OK)
        #expect(lvt_model_detections(model, 0, &object, 1) == 0)
      })
    #expect(found.status == LVT_OK)
  }
}

/// A model that another thread uses.
private final class Handle: @unchecked Sendable {
  let model: OpaquePointer
  let isDone = DispatchSemaphore(value: 0)
  var set = ProcessorSet([])

  init(_ model: OpaquePointer) { self.model = model }
}

private func withOptionalPointer<R>(
  _ string: inout [CChar]?, _ body: (UnsafePointer<CChar>?) -> R
) -> R {
  guard let string else { return body(nil) }
  return string.withUnsafeBufferPointer { body($0.baseAddress) }
}
