// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// Makes the network's input from pictures of any size: the same bytes, to the last bit, as PIL's
/// `resize` with that filter.
///
/// Rows are resized along their length first, as in all versions of Pillow until 12.0; later ones
/// change the order for a picture that loses much more height than width, which rounds differently.
///
/// Tables and memory are kept for the next picture; pictures of one size after another allocate
/// nothing. A resizer is not for two callers at once.
public final class Resizer {
  /// What is made.
  public let spec: InputSpec

  private var sourceWidth = 0
  private var sourceHeight = 0
  private var columns = ResampleAxis()
  private var rows = ResampleAxis()
  private let ringMemory = ReusableMemory()
  private let expandedRow = ReusableMemory()

  /// A resizer for an input.
  ///
  /// - Throws: ``ImageError/input(width:height:cropFraction:)`` if a side divided by the crop fraction
  ///   is more than 32767.
  public init(spec: InputSpec) throws(ImageError) {
    guard Framing.accepts(spec) else {
      throw .input(width: spec.width, height: spec.height, cropFraction: spec.cropFraction)
    }
    self.spec = spec
  }

  /// Bytes of the input: height × width RGB pixels, no padding between rows.
  public var outputBytes: Int { spec.height * spec.width * 3 }

  /// As ``resize(_:into:)-(ImageView,_)``, for an image.
  public func resize(
    _ source: Image, into output: UnsafeMutableRawBufferPointer
  ) throws(ImageError) {
    try source.withView { view throws(ImageError) in try resize(view, into: output) }
  }

  /// Writes the input that `source` becomes.
  ///
  /// - Parameter output: ``outputBytes`` bytes, apart from the source's.
  /// - Throws: ``ImageError/output(expected:found:)`` or ``ImageError/outOfMemory(bytes:)``
  public func resize(
    _ source: ImageView, into output: UnsafeMutableRawBufferPointer
  ) throws(ImageError) {
    guard output.count == outputBytes, var out = output.baseAddress else {
      throw .output(expected: outputBytes, found: output.count)
    }
    defer { withExtendedLifetime(self) {} }
    prepare(width: source.width, height: source.height)

    // Each source row is resized once, when the first output row needs it, and only as many are
    // kept as one output row needs: these few stay in the cache, however tall the picture is.
    let rowBytes = 3 * spec.width
    let slots = rows.longest
    let pitch = (rowBytes + VerticalPass.block - 1) / VerticalPass.block * VerticalPass.block
    let (ringBytes, tooMany) = slots.multipliedReportingOverflow(by: pitch)
    guard !tooMany else { throw .outOfMemory(bytes: Int.max) }
    let expanded = try expandedRow.reserve(source.format == .rgb8 ? 0 : 3 * source.width)
    let ring = try ringMemory.reserve(ringBytes)
    let horizontal = HorizontalPass(axis: columns)
    let vertical = VerticalPass(ring: ring, pitch: pitch, capacity: slots, byteCount: rowBytes)
    var next = 0
    for window in rows.windows {
      next = max(next, window.first)
      while next < window.first + window.count {
        horizontal.run(
          from: source.rgbRow(next, expanded: expanded), to: ring + next % slots * pitch)
        next += 1
      }
      vertical.run(window, weights: rows.weights, to: out)
      out += rowBytes
    }
  }

  /// Computes the tables for pictures of a size, unless they are those of the last picture.
  private func prepare(width: Int, height: Int) {
    guard width != sourceWidth || height != sourceHeight else { return }
    let framing = Framing(width: width, height: height, spec: spec)
    columns = ResampleAxis(
      source: width, resized: framing.resizedWidth, range: framing.columns,
      filter: spec.interpolation)
    rows = ResampleAxis(
      source: height, resized: framing.resizedHeight, range: framing.rows,
      filter: spec.interpolation)
    sourceWidth = width
    sourceHeight = height
  }
}

extension ImageView {
  /// A row as RGB: where it is if it is that already, else converted into `expanded`.
  ///
  /// A new pixel format needs no more than a case here.
  fileprivate func rgbRow(_ y: Int, expanded: UnsafeMutableRawPointer) -> UnsafeRawPointer {
    let start = row(y)
    switch format {
    case .rgb8: return start
    case .gray8:
      let gray = start.assumingMemoryBound(to: UInt8.self)
      let rgb = expanded.assumingMemoryBound(to: UInt8.self)
      for x in 0..<width {
        rgb[3 * x] = gray[x]
        rgb[3 * x + 1] = gray[x]
        rgb[3 * x + 2] = gray[x]
      }
      return UnsafeRawPointer(expanded)
    }
  }
}
