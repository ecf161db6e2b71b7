// SPDX-License-Identifier: Apache-2.0
public import CLVT
internal import LVT

// The functions that lvt.h declares. Their contracts are there.

/// A string of C that the model owns, up to the text's end.
private typealias CText = UnsafeMutableBufferPointer<CChar>

/// What an `lvt_model` points to.
private final class Model {
  let input: PictureInput
  var engine: Engine { input.engine }
  /// Nil if the plan finds no objects.
  let detector: Detector?
  /// Nil if the plan makes no label map.
  let segmenter: Segmenter?
  /// One a class.
  let labels: UnsafeMutableBufferPointer<CText>
  /// Of the results.
  let outputNames: UnsafeMutableBufferPointer<CText>
  /// One.
  let isaName: UnsafeMutableBufferPointer<CText>

  init(_ input: PictureInput) {
    self.input = input
    detector = try? Detector(input)
    segmenter = try? Segmenter(input)
    let plan = input.engine.plan
    labels = Self.strings(plan.classCount) { plan.label(ofClass: $0) }
    outputNames = Self.strings(plan.outputs.count) { plan.outputs[$0].name }
    isaName = Self.strings(1) { _ in input.engine.isa.name }
  }

  private static func strings(
    _ count: Int, _ text: (Int) -> String
  ) -> UnsafeMutableBufferPointer<CText> {
    let strings = UnsafeMutableBufferPointer<CText>.allocate(capacity: count)
    for index in strings.indices {
      let utf8 = text(index).utf8
      let string = CText.allocate(capacity: utf8.count + 1)
      string.initialize(repeating: 0)
      for (i, byte) in utf8.enumerated() { string[i] = CChar(bitPattern: byte) }
      strings.initializeElement(at: index, to: string)
    }
    return strings
  }

  deinit {
    for strings in [labels, outputNames, isaName] {
      for string in strings { string.deallocate() }
      strings.deallocate()
    }
  }

  static func from(_ handle: OpaquePointer?) -> Model? {
    guard let handle else { return nil }
    return Unmanaged<Model>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
  }
}

/// An error as C sees it.
private struct Failure: Error {
  let status: lvt_status
  let text: String

  static func null(_ name: StaticString) -> Failure {
    Failure(status: LVT_BAD_ARGUMENT, text: "\(name) is NULL")
  }
}

/// Writes an error, or nothing, into the caller's buffer, whole characters only.
private func report(
  _ failure: Failure?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: UInt
) -> lvt_status {
  if let message, capacity > 0 {
    let text = Array((failure?.text ?? "").utf8)
    var length = min(text.count, Int(clamping: capacity - 1))
    // Back to where a character starts, if it is one that is cut.
    while length > 0, length < text.count, text[length] & 0xC0 == 0x80 { length -= 1 }
    for i in 0..<length { message[i] = CChar(bitPattern: text[i]) }
    message[length] = 0
  }
  return failure?.status ?? LVT_OK
}

/// What `lvt_options` say, checked.
private struct Options {
  var threads = 0
  var affinity = lvt_affinity(0)
  var processors: ProcessorSet?
  var isa = ISA.best
  var limits = PlanLimits()

  /// - Throws: a ``Failure``, if a number or a text means nothing.
  init(_ given: UnsafePointer<lvt_options>?) throws(Failure) {
    guard let given else { return }
    // No more may be read before it is known that there is more. There is one version of the structure so far.
    let size = UnsafeRawPointer(given).load(as: UInt.self), known = MemoryLayout<lvt_options>.size
    guard size == known else {
      throw Failure(
        status: LVT_BAD_ARGUMENT, text: "options.size: expected \(known), found \(size)")
    }
    let options = given.pointee
    threads = Int(options.threads)
    if options.work > 0 { limits.work = Int(clamping: options.work) }
    if let name = options.isa {
      guard let named = ISA(name: pathText(name)) else {
        let known = ISA.allCases.map { $0.name }.joined(separator: ", ")
        throw Failure(
          status: LVT_NO_ENGINE,
          text: "options.isa: expected one of \(known), found '\(terminalText(pathText(name)))'")
      }
      isa = named
    }
    affinity = options.affinity
    guard affinity.rawValue <= LVT_PINNED.rawValue else {
      throw Failure(
        status: LVT_NO_ENGINE, text: "options.affinity: \(affinity.rawValue) is no affinity")
    }
    let areNamed = affinity == LVT_SHARED || affinity == LVT_PINNED
    guard areNamed == (options.processors != nil) else {
      throw Failure(
        status: LVT_NO_ENGINE,
        text: "options.processors: expected a list for LVT_SHARED and LVT_PINNED, else NULL")
    }
    if let list = options.processors {
      guard let set = ProcessorSet(list: pathText(list)) else {
        throw Failure(
          status: LVT_NO_ENGINE,
          text: "options.processors: expected a list such as 0,4-7, found "
            + "'\(terminalText(pathText(list)))'")
      }
      processors = set
    }
  }

  /// The engine that they ask for.
  func engine(_ plan: Plan) throws(Failure) -> Engine {
    let topology = ProcessorTopology()
    let placed: Affinity
    var count = threads == 0 ? topology.recommendedThreads : threads
    if let processors {
      // As many as there are processors for.
      if threads == 0 { count = min(count, processors.numbers.count) }
      placed = affinity == LVT_PINNED ? .pinned(processors) : .shared(processors)
    } else if affinity == LVT_FASTEST {
      placed = topology.recommendedAffinity(threads: count)
    } else {
      placed = .inherited
    }
    do throws(EngineError) {
      return try Engine(
        plan: plan, threads: count, isAdaptive: threads == 0, isa: isa, affinity: placed)
    } catch { throw Failure(status: LVT_NO_ENGINE, text: error.description) }
  }
}

/// `lvt_model_open`.
@_cdecl("lvt_model_open")
public func openModel(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<lvt_options>?,
  _ model: UnsafeMutablePointer<OpaquePointer?>?, _ message: UnsafeMutablePointer<CChar>?,
  _ capacity: UInt
) -> lvt_status {
  open(into: model, options, message, capacity) { limits throws(Failure) in
    guard let path else { throw .null("path") }
    let text = pathText(path), name = "\(terminalText(text)): "
    do throws(PlanError) { return (try Plan(path: text, limits: limits), name) } catch {
      throw Failure(status: LVT_BAD_PLAN, text: name + error.description)
    }
  }
}

/// `lvt_model_open_bytes`.
@_cdecl("lvt_model_open_bytes")
public func openModelBytes(
  _ bytes: UnsafeRawPointer?, _ count: UInt, _ options: UnsafePointer<lvt_options>?,
  _ model: UnsafeMutablePointer<OpaquePointer?>?, _ message: UnsafeMutablePointer<CChar>?,
  _ capacity: UInt
) -> lvt_status {
  open(into: model, options, message, capacity) { limits throws(Failure) in
    guard let bytes else { throw .null("bytes") }
    let file = UnsafeRawBufferPointer(start: bytes, count: Int(clamping: count))
    do throws(PlanError) { return (try Plan(copying: file, limits: limits), "") } catch {
      throw Failure(status: LVT_BAD_PLAN, text: error.description)
    }
  }
}

/// Makes a model of what `read` gives: a plan, and what goes before errors about it.
private func open(
  into model: UnsafeMutablePointer<OpaquePointer?>?, _ options: UnsafePointer<lvt_options>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: UInt,
  _ read: (PlanLimits) throws(Failure) -> (plan: Plan, name: String)
) -> lvt_status {
  model?.pointee = nil
  do throws(Failure) {
    guard let model else { throw .null("model") }
    let options = try Options(options)
    let (plan, name) = try read(options.limits)
    let engine = try options.engine(plan)
    let input: PictureInput
    do throws(ImageError) { input = try PictureInput(engine: engine) } catch {
      throw Failure(status: LVT_BAD_PLAN, text: name + error.description)
    }
    model.pointee = OpaquePointer(Unmanaged.passRetained(Model(input)).toOpaque())
    return report(nil, message, capacity)
  } catch { return report(error, message, capacity) }
}

/// `lvt_model_close`.
@_cdecl("lvt_model_close")
public func closeModel(_ model: OpaquePointer?) {
  guard let model else { return }
  Unmanaged<Model>.fromOpaque(UnsafeRawPointer(model)).release()
}

/// `lvt_model_classify`.
@_cdecl("lvt_model_classify")
public func classifyFrame(
  _ model: OpaquePointer?, _ frame: UnsafePointer<lvt_frame>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: UInt
) -> lvt_status {
  do throws(Failure) {
    guard let model = Model.from(model) else { throw .null("model") }
    guard let frame else { throw .null("frame") }
    guard frame.pointee.bytes != nil else { throw .null("frame.bytes") }
    let view = try view(frame.pointee)
    do throws(ImageError) { try model.input.load(view) } catch {
      throw Failure(status: LVT_BAD_FRAME, text: error.description)
    }
    model.engine.run()
    return report(nil, message, capacity)
  } catch { return report(error, message, capacity) }
}

private func view(_ frame: lvt_frame) throws(Failure) -> ImageView {
  let format: PixelFormat
  switch frame.format {
  case LVT_RGB8: format = .rgb8
  case LVT_GRAY8: format = .gray8
  case LVT_YUYV: format = .yuyv
  case LVT_UYVY: format = .uyvy
  case LVT_NV12: format = .nv12
  case LVT_NV21: format = .nv21
  case LVT_YU12: format = .yu12
  case LVT_BGR8: format = .bgr8
  case LVT_RGBA8: format = .rgba8
  case LVT_BGRA8: format = .bgra8
  default:
    throw Failure(status: LVT_BAD_FRAME, text: "\(frame.format.rawValue) is no format")
  }
  var colour = ColourEncoding(range: frame.is_full_range == 0 ? .limited : .full)
  switch frame.matrix {
  case LVT_BT601: colour.matrix = .bt601
  case LVT_BT709: colour.matrix = .bt709
  default:
    throw Failure(status: LVT_BAD_FRAME, text: "\(frame.matrix.rawValue) is no matrix")
  }
  // Sizes of C are unsigned; no memory has more bytes than an Int counts.
  let stride = Int(clamping: UInt(bitPattern: frame.stride))
  let count = Int(clamping: UInt(bitPattern: frame.byte_count))
  do throws(ImageError) {
    return try ImageView(
      format: format, width: Int(frame.width), height: Int(frame.height),
      stride: stride == 0 ? nil : stride, colour: colour,
      bytes: UnsafeRawBufferPointer(start: frame.bytes, count: count))
  } catch { throw Failure(status: LVT_BAD_FRAME, text: error.description) }
}

/// `lvt_model_input_width`.
@_cdecl("lvt_model_input_width")
public func inputWidth(_ model: OpaquePointer?) -> Int32 {
  Int32(Model.from(model)?.engine.plan.input.width ?? 0)
}

/// `lvt_model_input_height`.
@_cdecl("lvt_model_input_height")
public func inputHeight(_ model: OpaquePointer?) -> Int32 {
  Int32(Model.from(model)?.engine.plan.input.height ?? 0)
}

/// `lvt_model_task`.
@_cdecl("lvt_model_task")
public func task(_ model: OpaquePointer?) -> lvt_output_kind {
  lvt_output_kind((Model.from(model)?.engine.plan.task ?? .map).rawValue)
}

/// `lvt_model_threads`.
@_cdecl("lvt_model_threads")
public func threadCount(_ model: OpaquePointer?) -> Int32 {
  Int32(Model.from(model)?.engine.threads ?? 0)
}

/// `lvt_model_isa`.
@_cdecl("lvt_model_isa")
public func isaName(_ model: OpaquePointer?) -> UnsafePointer<CChar>? {
  UnsafePointer(Model.from(model)?.isaName[0].baseAddress)
}

/// `lvt_model_place_thread`.
@_cdecl("lvt_model_place_thread")
public func placeThread(
  _ model: OpaquePointer?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: UInt
) -> lvt_status {
  do throws(Failure) {
    guard let model = Model.from(model) else { throw .null("model") }
    do throws(EngineError) { try model.engine.placeCallingThread() } catch {
      throw Failure(status: LVT_NO_ENGINE, text: error.description)
    }
    return report(nil, message, capacity)
  } catch { return report(error, message, capacity) }
}

/// `lvt_model_verify`.
@_cdecl("lvt_model_verify")
public func verifyModel(
  _ model: OpaquePointer?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: UInt
) -> lvt_status {
  do throws(Failure) {
    guard let model = Model.from(model) else { throw .null("model") }
    do throws(VerificationError) { try model.input.verify() } catch {
      throw Failure(
        status: error == .noHashes ? LVT_NO_RESULT : LVT_NOT_VERIFIED, text: error.description)
    }
    return report(nil, message, capacity)
  } catch { return report(error, message, capacity) }
}

/// `lvt_model_output_count`.
@_cdecl("lvt_model_output_count")
public func outputCount(_ model: OpaquePointer?) -> Int32 {
  Int32(Model.from(model)?.outputNames.count ?? 0)
}

/// `lvt_model_output`.
@_cdecl("lvt_model_output")
public func output(
  _ model: OpaquePointer?, _ index: Int32, _ output: UnsafeMutablePointer<lvt_output>?
) -> lvt_status {
  guard let model = Model.from(model), let output,
    model.outputNames.indices.contains(Int(index))
  else { return LVT_BAD_ARGUMENT }
  let result = model.engine.outputs[Int(index)]
  output.pointee = lvt_output(
    name: UnsafePointer(model.outputNames[Int(index)].baseAddress),
    kind: lvt_output_kind(result.kind.rawValue), type: lvt_type(result.type.rawValue),
    height: Int32(result.shape.height), width: Int32(result.shape.width),
    channels: Int32(result.shape.channels), scale: result.quantization.scale,
    zero_point: Int32(result.quantization.zeroPoint), pitch: result.pitch,
    values: result.bytes.baseAddress)
  return LVT_OK
}

/// `lvt_model_class_count`.
@_cdecl("lvt_model_class_count")
public func classCount(_ model: OpaquePointer?) -> Int32 {
  Int32(Model.from(model)?.labels.count ?? 0)
}

/// `lvt_model_label`.
@_cdecl("lvt_model_label")
public func label(_ model: OpaquePointer?, _ index: Int32) -> UnsafePointer<CChar>? {
  guard let labels = Model.from(model)?.labels, labels.indices.contains(Int(index)) else {
    return nil
  }
  return UnsafePointer(labels[Int(index)].baseAddress)
}

/// `lvt_model_logits`.
@_cdecl("lvt_model_logits")
public func logits(_ model: OpaquePointer?) -> UnsafePointer<Float>? {
  Model.from(model)?.engine.logits.baseAddress
}

/// `lvt_model_top`.
@_cdecl("lvt_model_top")
public func top(
  _ model: OpaquePointer?, _ candidates: UnsafeMutablePointer<lvt_candidate>?, _ count: Int32
) -> Int32 {
  guard let model = Model.from(model), let candidates else { return 0 }
  let ranking = Ranking(model.engine.logits)
  var last: Int?, written: Int32 = 0
  while written < count, let next = ranking.next(after: last) {
    candidates[Int(written)] = lvt_candidate(
      index: Int32(next), label: model.labels[next].baseAddress,
      probability: ranking.probability(of: next))
    written += 1
    last = next
  }
  return written
}

/// `lvt_model_detections`.
@_cdecl("lvt_model_detections")
public func detections(
  _ model: OpaquePointer?, _ leastScore: Float, _ detections: UnsafeMutablePointer<lvt_detection>?,
  _ count: Int32
) -> Int32 {
  guard let model = Model.from(model), let detector = model.detector, let detections else {
    return 0
  }
  detector.filter.leastScore = leastScore
  var row = 0, written: Int32 = 0
  while written < count, let next = detector.next(&row) {
    detections[Int(written)] = lvt_detection(
      index: Int32(next.classIndex), label: model.labels[next.classIndex].baseAddress,
      score: next.score, x: next.box.x, y: next.box.y, width: next.box.width,
      height: next.box.height)
    written += 1
  }
  return written
}

/// `lvt_model_label_map`.
@_cdecl("lvt_model_label_map")
public func labelMap(
  _ model: OpaquePointer?, _ labels: UnsafeMutablePointer<UInt8>?, _ byteCount: UInt,
  _ stride: UInt
) -> lvt_status {
  guard let model = Model.from(model), let labels else { return LVT_BAD_ARGUMENT }
  guard let segmenter = model.segmenter else { return LVT_NO_RESULT }
  let rows = UnsafeMutableBufferPointer(start: labels, count: Int(clamping: byteCount))
  do throws(ImageError) {
    let isThere = try segmenter.write(into: rows, stride: stride == 0 ? nil : Int(clamping: stride))
    return isThere ? LVT_OK : LVT_NO_RESULT
  } catch { return LVT_BAD_ARGUMENT }
}

/// `lvt_model_mask`.
@_cdecl("lvt_model_mask")
public func mask(
  _ model: OpaquePointer?, _ leastScore: Float, _ index: Int32,
  _ mask: UnsafeMutablePointer<UInt8>?, _ byteCount: UInt, _ stride: UInt
) -> lvt_status {
  guard let model = Model.from(model), let mask, index >= 0 else { return LVT_BAD_ARGUMENT }
  guard let detector = model.detector, detector.hasMasks else { return LVT_NO_RESULT }
  detector.filter.leastScore = leastScore
  let rows = UnsafeMutableBufferPointer(start: mask, count: Int(clamping: byteCount))
  do throws(ImageError) {
    return
      switch try detector.writeMask(
        of: Int(index), into: rows, stride: stride == 0 ? nil : Int(clamping: stride))
    {
    case true?: LVT_OK
    case false?: LVT_BAD_ARGUMENT
    case nil: LVT_NO_RESULT
    }
  } catch { return LVT_BAD_ARGUMENT }
}
