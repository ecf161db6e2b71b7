// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
public import LVTModel

/// Makes the network's input from pictures of any size: the same bytes, to the last bit, as PIL's
/// `resize` with that filter.
///
/// What a letterbox leaves is filled with its padding.
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
  /// The source's columns that the output shows; ``columns`` counts from the first of them.
  private var usedColumns = 0..<0
  private let kernels: lvt_kernels
  private let ringMemory = ReusableMemory()
  private let convertedRows = ReusableMemory()
  /// The rows of a mean.
  private var meanRows: [UnsafePointer<UInt8>?] = []

  /// A resizer for an input.
  ///
  /// - Parameters:
  ///   - spec: What is made.
  ///   - isa: The instruction set to use, which this CPU has; the result does not depend on it.
  /// - Throws: ``ImageError/input(_:)`` if a side, of a crop divided by its fraction, is not 1 … 32767.
  public init(spec: InputSpec, isa: ISA = .best) throws(ImageError) {
    guard Framing.accepts(spec) else {
      throw .input(spec)
    }
    self.spec = spec
    kernels = lvt_kernels_select(isa.allowed & lvt_cpu_features())
  }

  /// Bytes of the input: height × width RGB pixels, no padding between rows.
  public var outputBytes: Int { spec.height * spec.width * 3 }

  /// As ``resize(_:into:)-(ImageView,_)``, for an image.
  public func resize(
    _ source: Image, into output: UnsafeMutableRawBufferPointer
  ) throws(ImageError) {
    try source.withView { view throws(ImageError) in try resize(view, into: output) }
  }

  /// Writes the input that `source` becomes, padding included.
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

    // Each source row is converted and resized once, with its neighbour, when the first output row needs
    // it, and only as many are kept as one output row needs: these few stay in the cache, however tall the
    // picture is.
    let rowBytes = 3 * columns.firsts.count
    let paddingBytes = 3 * spec.width - rowBytes
    let end = out + outputBytes
    // Pairs start at even rows, and are not divided.
    let ringRows = (rows.taps + 2) & ~1
    let (ringBytes, tooMany) = ringRows.multipliedReportingOverflow(by: rowBytes)
    guard !tooMany else { throw .outOfMemory(bytes: Int.max) }
    let ring = try ringMemory.reserve(ringBytes)
    let pair = SourcePair(
      source, columns: usedColumns,
      memory: try convertedRows.reserve(SourcePair.byteCount(source, columns: usedColumns)))
    var next = 0
    for (index, first) in rows.firsts.enumerated() {
      let first = Int(first)
      next = max(next, first & ~1)
      while next < first + rows.taps {
        shorten(pair, from: next, to: ring + next % ringRows * rowBytes, rowBytes)
        next += 2
      }
      for tap in 0..<rows.taps {
        meanRows[tap] = UnsafePointer(
          (ring + (first + tap) % ringRows * rowBytes).assumingMemoryBound(to: UInt8.self))
      }
      mean(index, to: out)
      out += rowBytes
      pad(out, paddingBytes)
      out += paddingBytes
    }
    pad(out, end - out)
  }

  /// Fills the pixels of some bytes with a letterbox's padding; other inputs have none.
  private func pad(_ out: UnsafeMutableRawPointer, _ bytes: Int) {
    guard bytes > 0, case .letterbox(let colour) = spec.fit else { return }
    let pixels = out.assumingMemoryBound(to: UInt8.self)
    for i in stride(from: 0, to: bytes, by: 3) {
      (pixels[i], pixels[i + 1], pixels[i + 2]) = (colour.red, colour.green, colour.blue)
    }
  }

  /// Resizes row `first`, and the next if there is one, along their length.
  private func shorten(
    _ pair: SourcePair, from first: Int, to out: UnsafeMutableRawPointer, _ rowBytes: Int
  ) {
    columns.firsts.withUnsafeBufferPointer { firsts in
      columns.withWeights(of: 0) { weights in
        var means = lvt_resample_row_args()
        pair.read(from: first, by: &means, kernels)
        means.width = usedColumns.count
        means.first = firsts.baseAddress
        means.weights = weights
        means.has_negative = columns.hasNegativeWeights
        means.taps = columns.taps
        means.count = firsts.count
        means.out = out.assumingMemoryBound(to: UInt8.self)
        means.out_stride = rowBytes
        kernels.resample_row_u8(&means)
      }
    }
  }

  /// Makes output row `index` of ``meanRows``.
  private func mean(_ index: Int, to out: UnsafeMutableRawPointer) {
    meanRows.withUnsafeBufferPointer { sources in
      rows.withWeights(of: index) { weights in
        var mean = lvt_resample_rows_args()
        mean.rows = sources.baseAddress
        mean.weights = weights
        mean.has_negative = rows.hasNegativeWeights
        mean.taps = rows.taps
        mean.count = 3 * columns.firsts.count
        mean.out = out.assumingMemoryBound(to: UInt8.self)
        kernels.resample_rows_u8(&mean)
      }
    }
  }

  /// Computes the tables for pictures of a size, unless they are those of the last picture.
  private func prepare(width: Int, height: Int) {
    guard width != sourceWidth || height != sourceHeight else { return }
    let framing = Framing(width: width, height: height, spec: spec)
    columns = ResampleAxis(
      source: width, resized: framing.resizedWidth, range: framing.columns,
      filter: spec.interpolation)
    // Conversion starts at an even pixel, since chroma stands for two.
    usedColumns = columns.sources.lowerBound & ~1..<columns.sources.upperBound
    columns.count(from: usedColumns.lowerBound)
    rows = ResampleAxis(
      source: height, resized: framing.resizedHeight, range: framing.rows,
      filter: spec.interpolation)
    meanRows = [UnsafePointer<UInt8>?](repeating: nil, count: rows.taps)
    sourceWidth = width
    sourceHeight = height
  }
}
