// SPDX-License-Identifier: Apache-2.0

/// A K × K convolution with padding (K − 1) / 2 over one map or several side by side on one grid, then the
/// function of a table or a second product if there is one.
///
/// Each source is read as it is or through upsampling, so that neither the upsampled maps nor the one that
/// holds all sources exist. The output has an edge of (edge of the grid − 1) / stride + 1, rounded down. It may
/// overwrite a single source that is read as it is.
public struct Convolution: Equatable, Sendable {
  /// K, odd.
  public var kernel = 0
  /// Rows and columns of the grid from one output position to the next.
  public var stride = 0
  /// What a tap outside the picture holds, if the input is one: three colours as q = p − 128, and a
  /// fourth byte that is −128 for all taps inside.
  ///
  /// Zero of the normalised picture is a fraction of a grey level: the colours are the nearest whole
  /// ones, and the weight of the fourth byte makes up the difference. A map's taps outside hold the
  /// map's zero point.
  public var outside: SIMD4<Int8>?
  /// How each source is read.
  public var sources = [Resampling.none]
  /// The grid where no source is read as it is.
  public var extent: Extent?
  /// K rows of K · channels of all sources, or K · 4 for a picture, in the order column, source, channel, each
  /// filled to a multiple of 4: see ``BandLayout/k(kernel:channels:)``.
  public var matrix = PackedMatrix()
  /// Byte offset of the 256-entry table of an activation, a multiple of 64.
  public var tableOffset: Int?
  /// A product of what the convolution makes, at each position.
  public var project: PackedMatrix?

  /// Zeros, to be filled.
  public init() {}

  /// Bytes of a tap of a picture: the colours, and whether it is outside.
  public static let pictureChannels = 4

  /// The edge of what a convolution makes.
  public static func edge(_ edge: Int, stride: Int) -> Int { (edge - 1) / stride + 1 }

  /// Bytes of a position of an input.
  public func channels(of input: Shape) -> Int {
    outside == nil ? input.channels : Convolution.pictureChannels
  }

  /// Whether the only source is read as it is.
  private var readsMapItself: Bool { sources == [.none] }
}

extension Convolution: StepOperation {
  static let code: UInt32 = 12
  var name: String { "convolution" }
  var inputTypes: [ElementTypes] {
    sources.map { _ in outside == nil ? .int8 : .picture }
  }
  var mayOverwrite: InputSet {
    readsMapItself && outside == nil && stride == 1 ? .first : []
  }
  var matrices: [PackedMatrix] { [matrix] + (project.map { [$0] } ?? []) }
  var kernels: [String] {
    (sources.contains(.bilinear) ? ["resample_s8"] : [])
      + [outside == nil ? "pixels_s8" : "pixels_u8", "gemm_s8"]
      + (tableOffset == nil ? [] : ["table_s8"]) + (project == nil ? [] : ["gemm_s8"])
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&kernel)
    try c.index(&stride)
    try c.optional(&outside)
    try c.list(&sources, "sources of a convolution", limit: PlanLimits.inputs, .none) {
      (c, source) throws(C.Failure) in try c.choice(&source, "resampling", "0, 1 or 2")
    }
    try c.optional(&extent)
    try c.code(&matrix)
    try c.optionalOffset(&tableOffset)
    try c.optional(&project)
  }

  /// The grid on which the sources lie, of which there is at least one.
  public func grid(_ inputs: [Tensor]) -> Extent {
    extent ?? Extent(of: (sources.firstIndex(of: .none).map { inputs[$0] } ?? inputs[0]).shape)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    try c.require(
      (1...PlanLimits.kernel).contains(stride), "a stride of 1 ... \(PlanLimits.kernel)",
      "\(stride)")
    let grid = grid(c.inputs)
    try c.require(
      (1...PlanLimits.extent).contains(grid.height) && (1...PlanLimits.extent).contains(grid.width),
      "a grid of 1 ... \(PlanLimits.extent)", "\(grid)")
    for (source, input) in zip(sources, c.inputs) where source == .none {
      try c.require(
        Extent(of: input.shape) == grid, "sources on a grid of \(grid)", "\(input.shape)")
    }
    return OutputForm(
      Shape(
        height: Convolution.edge(grid.height, stride: stride),
        width: Convolution.edge(grid.width, stride: stride), channels: (project ?? matrix).n),
      tableOffset == nil || project != nil ? .stream : .int8)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.checkKernel(kernel)
    try c.require(
      outside == nil || readsMapItself, "a picture alone", "several sources or a resampled one")
    let channels = outside == nil ? c.channels : Convolution.pictureChannels
    try c.check(matrix, kernel: kernel, channels: channels, n: matrix.n)
    if let tableOffset { try c.requireConstants(tableOffset, 256) }
    if let project { try c.check(project, k: matrix.n, n: c.output.shape.channels) }
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(ConvolutionScratch(self, operands, strip: strip).byteCount)
  }

  var division: StepDivision {
    readsMapItself
      ? .rows(kernel: kernel, stride: stride, padding: (kernel - 1) / 2) : .together
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    // A picture's fourth byte is padding.
    let channels = c.inputs.reduce(0) { $0 + (c.isPadded ? self.channels(of: $1) : $1.channels) }
    c.add(matrix, kernel: kernel, channels: channels, positions: c.positions, to: &work)
    // Each row of the grid is put into the band, and some are packed for a product more than once.
    work.add(3 * c.positions * Count(stride) * Count(stride) * c.allChannels, to: .values)
    if tableOffset != nil { work.add(c.positions * c.channels(matrix.n), to: .values) }
    if let project { c.add([project], positions: c.positions, to: &work) }
    return work
  }
}

/// What a convolution puts between its sources and its output.
public struct ConvolutionScratch: Sendable {
  /// The grid's rows, of which products take neighbourhoods.
  public let bandLayout: BandLayout
  /// Bytes between positions of what the second product reads.
  public let hiddenPitch: Int
  /// Offsets of a tap outside the grid, of the band, of the product's scratch, of what the second product
  /// reads, and of what resampling needs.
  public let outside, band, product, hidden, resampling: Int
  /// Offsets of the rows next to a thread's own, which other threads overwrite.
  public let above, below: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step.
  ///
  /// - Parameters:
  ///   - channels: Of all inputs, or of a picture's taps.
  ///   - resampledBytes: What the sources need for resampling.
  ///   - isInPlace: Whether the output overwrites the input.
  public init(
    _ step: Convolution, grid: Extent, channels: Int, resampledBytes: Int, isInPlace: Bool,
    output: Shape, strip: Int
  ) {
    bandLayout = BandLayout(
      kernel: step.kernel, stride: step.stride, channels: channels, grid: grid,
      output: Extent(of: output), strip: strip)
    hiddenPitch = step.matrix.panelCount * Shape.block
    let positions = bandLayout.lines * bandLayout.columns
    var cursor = ScratchCursor()
    outside = cursor.reserve(channels)
    band = cursor.reserve(bandLayout.byteCount)
    product = cursor.reserve(
      max(bandLayout.productBytes, ScratchCursor.product(rows: positions, k: step.project?.k ?? 0)))
    hidden = cursor.reserve(step.project == nil ? 0 : positions * hiddenPitch)
    resampling = cursor.reserve(resampledBytes)
    let halo = isInPlace ? (step.kernel - 1) / 2 * bandLayout.pitch : 0
    above = cursor.reserve(halo)
    below = cursor.reserve(halo)
    byteCount = cursor.byteCount
  }

  init(_ step: Convolution, _ operands: Operands, strip: Int) {
    let grid = step.grid(operands.inputs)
    var resampledBytes = 0, channels = 0
    for (source, input) in zip(step.sources, operands.inputs) {
      channels += step.channels(of: input.shape)
      guard source != .none else { continue }
      resampledBytes +=
        ResampleScratch(input.shape, pitch: input.pitch, grid: grid.width).byteCount
    }
    self.init(
      step, grid: grid, channels: channels, resampledBytes: resampledBytes,
      isInPlace: operands.input.buffer == operands.output.buffer, output: operands.output.shape,
      strip: strip)
  }
}
