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
  }

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
