// SPDX-License-Identifier: Apache-2.0
public import LVTImage
internal import LVTModel
public import LVTRuntime

/// From a picture of any size to the class of each of its pixels: an ``LVTRuntime/Engine`` with the resize
/// that its plan asks for.
///
/// ```swift
/// let segmenter = try Segmenter(engine: Engine(plan: Plan(path: "model.lvt"), threads: 4))
/// let map = try segmenter.segment(frame)
/// print(map.labels[y * map.width + x])
/// ```
///
/// A segmenter is not for two callers at once. Frames of one size after another allocate nothing but
/// the result, and with ``segment(_:into:stride:)`` nothing at all.
public final class Segmenter {
  /// What runs the plan.
  public var engine: Engine { input.engine }
  private let input: PictureInput
  /// Of the input's pixels, in the engine's memory.
  private let labels: UnsafeBufferPointer<UInt8>

  /// A segmenter over an engine, which it then has for itself.
  ///
  /// - Throws: ``ResultError``: the plan makes no label map, or no picture can be resized to its input.
  public convenience init(engine: Engine) throws(ResultError) {
    try self.init(PictureInput.of(engine))
  }

  /// A segmenter over an input that others load, too.
  package init(_ input: PictureInput) throws(ResultError) {
    self.input = input
    labels = try input.result(.pixelClasses).assumingMemoryBound(to: UInt8.self)
  }

  /// Resizes a picture into the engine's input, which may overwrite the labels of the last run.
  public func load(_ picture: ImageView) throws(ImageError) { try input.load(picture) }

  /// The label map of a picture, of its size.
  ///
  /// Pixels that a crop leaves unseen are ``LVTImage/PictureMapping/unknownLabel``.
  public func segment(_ picture: ImageView) throws(ImageError) -> LabelMap {
    try load(picture)
    engine.run()
    return map
  }

  /// As ``segment(_:)``, into the caller's memory.
  ///
  /// - Parameters:
  ///   - picture: The picture, of width × height pixels.
  ///   - labels: Memory for height rows of width labels, apart from the picture's. What lies between rows
  ///     is left as it is.
  ///   - stride: Bytes from row to row; without it rows follow each other immediately.
  /// - Throws: ``LVTImage/ImageError``: ``LVTImage/ImageError/stride(least:found:)`` and
  ///   ``LVTImage/ImageError/bytes(least:found:)`` if the rows do not fit.
  public func segment(
    _ picture: ImageView, into labels: UnsafeMutableBufferPointer<UInt8>, stride: Int? = nil
  ) throws(ImageError) {
    try load(picture)
    engine.run()
    try write(into: labels, stride: stride)
  }

  /// The label map of the last run, as ``segment(_:)`` gives it; read it before the next picture is loaded.
  ///
  /// It is empty before the first.
  public var map: LabelMap {
    input.mapping.map { $0.picture(labels) } ?? LabelMap(width: 0, height: 0, labels: [])
  }

  /// Writes the label map of the last run, as ``segment(_:into:stride:)`` does.
  ///
  /// - Returns: Whether there was one.
  @discardableResult
  package func write(
    into rows: UnsafeMutableBufferPointer<UInt8>, stride: Int? = nil
  ) throws(ImageError) -> Bool {
    guard let mapping = input.mapping else { return false }
    let stride = stride ?? mapping.width
    try mapping.requireRoom(rows.count, stride: stride)
    mapping.write(labels, into: rows, stride: stride)
    return true
  }
}
