// SPDX-License-Identifier: Apache-2.0
public import LVTImage
internal import LVTModel
public import LVTRuntime

/// From a picture of any size to the objects in it: an ``LVTRuntime/Engine`` with the resize that its plan
/// asks for.
///
/// ```swift
/// let detector = try Detector(
///   engine: Engine(plan: Plan(path: "model.lvt"), threads: 4), filter: ResultFilter(leastScore: 0.3))
/// for d in try detector.detect(frame) { print(d.classIndex, d.score, d.box) }
/// ```
///
/// A detector is not for two callers at once. Frames of one size after another allocate nothing but
/// the result, and with ``detect(_:into:)`` nothing at all.
public final class Detector {
  /// What runs the plan.
  public var engine: Engine { input.engine }
  /// Which objects are given; it may be changed at any time.
  ///
  /// A plan has a least score of its own, 0.05 as published: what is below it is never found.
  public var filter: ResultFilter
  private let input: PictureInput
  /// As ``LVTModel/Detect`` makes them, in the engine's memory.
  private let rows: UnsafeBufferPointer<Float>
  /// As ``LVTModel/Masks`` makes them, in the engine's memory; none of a plan without masks.
  private let probabilities: UnsafeBufferPointer<Float>

  /// A detector over an engine, which it then has for itself.
  ///
  /// - Throws: ``ResultError``: the plan finds no boxes, or no picture can be resized to its input.
  public convenience init(
    engine: Engine, filter: ResultFilter = ResultFilter()
  ) throws(ResultError) {
    try self.init(PictureInput.of(engine), filter: filter)
  }

  /// A detector over an input that others load, too.
  package init(
    _ input: PictureInput, filter: ResultFilter = ResultFilter()
  ) throws(ResultError) {
    self.input = input
    self.filter = filter
    rows = try input.result(.detections).assumingMemoryBound(to: Float.self)
    let masks = input.engine.outputs.first { $0.kind == .masks }
    probabilities = (masks?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0))
      .assumingMemoryBound(to: Float.self)
  }

  /// Whether the plan says which pixels of its objects' boxes belong to them.
  public var hasMasks: Bool { !probabilities.isEmpty }

  /// The most objects that are found in a picture.
  public var mostDetections: Int { rows.count / Detect.boxValues }

  /// Resizes a picture into the engine's input, which may overwrite the objects of the last run.
  public func load(_ picture: ImageView) throws(ImageError) { try input.load(picture) }

  /// The objects in a picture, the best first; boxes are in its pixels.
  ///
  /// Boxes of which nothing is in the picture, as in a letterbox's padding, are left out.
  public func detect(_ picture: ImageView) throws(ImageError) -> [Detection] {
    var found: [Detection] = []
    try detect(picture, into: &found)
    return found
  }

  /// As ``detect(_:)``, in the place of what an array holds.
  ///
  /// An array that is used for one frame after another is allocated once, for ``mostDetections``.
  public func detect(
    _ picture: ImageView, into found: inout [Detection]
  ) throws(ImageError) {
    found.removeAll(keepingCapacity: true)
    found.reserveCapacity(mostDetections)
    try load(picture)
    engine.run()
    var row = 0
    while let next = next(&row) { found.append(next) }
  }

  /// The objects of the last run, as ``detect(_:)`` gives them; read them before the next picture is loaded.
  public var detections: [Detection] {
    var found: [Detection] = [], row = 0
    while let next = next(&row) { found.append(next) }
    return found
  }

  /// The pixels of each object that ``detections`` has, in the same order; nothing of a plan without masks.
  ///
  /// The engine's result of the kind ``LVTModel/PlanOutput/Kind/masks`` has what they are made of, for those who
  /// paste themselves.
  public var masks: ObjectMasks {
    guard hasMasks, let mapping = input.mapping else { return .none }
    var runs: [RunLengths] = [], row = 0
    while next(&row) != nil {
      if let mask = mask(row: row - 1) { runs.append(mask) }
    }
    return ObjectMasks(width: mapping.width, height: mapping.height, runs: runs)
  }

  /// The pixels of a row of the result that has an object; nil of a plan without masks, and before the first
  /// picture.
  private func mask(row: Int) -> RunLengths? {
    guard hasMasks, let mapping = input.mapping, let found = Detection(row: row, of: rows) else {
      return nil
    }
    let count = probabilities.count / mostDetections
    return mapping.mask(
      UnsafeBufferPointer(rebasing: probabilities[row * count..<(row + 1) * count]),
      box: found.box)
  }

  /// Writes the pixels of one of ``detections`` into rows of bytes: 1 for those of the object, 0 for others.
  ///
  /// - Parameters:
  ///   - index: Among ``detections``.
  ///   - rows: Room for the picture's rows, `stride` bytes apart; without it they follow each other immediately.
  /// - Returns: Whether there is such an object; nil if there was no picture, or the plan has no masks.
  /// - Throws: ``LVTImage/ImageError``: ``LVTImage/ImageError/stride(least:found:)`` and
  ///   ``LVTImage/ImageError/bytes(least:found:)`` if the rows do not fit.
  package func writeMask(
    of index: Int, into rows: UnsafeMutableBufferPointer<UInt8>, stride: Int? = nil
  ) throws(ImageError) -> Bool? {
    guard hasMasks, let mapping = input.mapping else { return nil }
    let stride = stride ?? mapping.width
    try mapping.requireRoom(rows.count, stride: stride)
    var row = 0
    for _ in 0...index { guard next(&row) != nil else { return false } }
    mask(row: row - 1)?.write(to: rows, height: mapping.height, stride: stride)
    return true
  }

  /// The next object of the last run from a row of the result on, which becomes the row behind it; nil if
  /// there is none.
  package func next(_ row: inout Int) -> Detection? {
    guard let mapping = input.mapping else { return nil }
    while var found = Detection(row: row, of: rows) {
      row += 1
      found.box = mapping.picture(found.box)
      if filter.keeps(found), found.box.width > 0, found.box.height > 0 { return found }
    }
    return nil
  }
}
