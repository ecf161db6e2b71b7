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

  init(_ input: PictureInput) {
    self.input = input
    detector = try? Detector(input)
    segmenter = try? Segmenter(input)
    let plan = input.engine.plan
    labels = Self.strings(plan.classCount) { plan.label(ofClass: $0) }
    outputNames = Self.strings(plan.outputs.count) { plan.outputs[$0].name }
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
    for strings in [labels, outputNames] {
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

/// `lvt_model_open`.
@_cdecl("lvt_model_open")
public func openModel(
  _ path: UnsafePointer<CChar>?, _ threads: Int32, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: UInt
) -> lvt_status {
  openLimitedModel(path, threads, UInt64(PlanLimits().work), model, message, capacity)
}

/// `lvt_model_open_limited`.
@_cdecl("lvt_model_open_limited")
public func openLimitedModel(
  _ path: UnsafePointer<CChar>?, _ threads: Int32, _ work: UInt64,
  _ model: UnsafeMutablePointer<OpaquePointer?>?, _ message: UnsafeMutablePointer<CChar>?,
  _ capacity: UInt
) -> lvt_status {
  model?.pointee = nil
  do throws(Failure) {
    guard let path else { throw .null("path") }
    guard let model else { throw .null("model") }
    let opened = try open(
      pathText(path), threads: Int(threads), limits: PlanLimits(work: Int(clamping: work)))
    model.pointee = OpaquePointer(Unmanaged.passRetained(opened).toOpaque())
    return report(nil, message, capacity)
  } catch { return report(error, message, capacity) }
}

private func open(_ path: String, threads: Int, limits: PlanLimits) throws(Failure) -> Model {
  let plan: Plan, engine: Engine
  do throws(PlanError) { plan = try Plan(path: path, limits: limits) } catch {
    throw Failure(status: LVT_BAD_PLAN, text: "\(terminalText(path)): \(error.description)")
  }
  let count = threads == 0 ? ProcessorTopology().recommendedThreads : threads
  do throws(EngineError) {
    engine = try Engine(plan: plan, threads: count, isAdaptive: threads == 0)
  } catch {
    throw Failure(status: LVT_NO_ENGINE, text: error.description)
  }
  do throws(ImageError) { return Model(try PictureInput(engine: engine)) } catch {
    throw Failure(status: LVT_BAD_PLAN, text: "\(terminalText(path)): \(error.description)")
  }
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
