// SPDX-License-Identifier: Apache-2.0

/// A product at every position, then ReLU if there is one, with a second input added if there is one.
///
/// The output may have other extents than the first input: behind the input's end it is what zeros give, and
/// positions behind its own end are not computed.
public struct Pointwise: Equatable, Sendable {
  /// For an int16 input.
  public var narrowing: Narrowing?
  /// Channels in × channels out.
  public var matrix = PackedMatrix()
  /// The second input; nil if nothing is added.
  public var residual: Residual?
  /// The output's extents where they are not the first input's.
  public var extent: Extent?

  /// What is added to the product: a map of the output's type and channels.
  public struct Residual: Equatable, Sendable {
    /// Scale of the residual over that of the output.
    public var multiplier: Float = 0
    /// How it is read; the output may overwrite one that is read as it is, and has the output's extents.
    public var resampling = Resampling.none
    /// Whether the product is at least 0 before the residual is added.
    public var isBehindReLU = false

    /// A map that is added as it is.
    public init(multiplier: Float) { self.multiplier = multiplier }

    /// Zeros, to be filled.
    public init() {}
  }

  /// Zeros, to be filled.
  public init() {}
}

extension Pointwise: StepOperation {
  static let code: UInt32 = 2
  var name: String { "pointwise" }
  var inputTypes: [ElementTypes] {
    guard let residual else { return [.stream] }
    return [.stream, residual.resampling == .bilinear ? .int8 : .stream]
  }
  var mayOverwrite: InputSet { residual?.resampling == Resampling.none ? .second : [] }
  var matrices: [PackedMatrix] { [matrix] }
  var kernels: [String] {
    (residual?.resampling == .bilinear ? ["resample_s8"] : []) + ["gemm_s8"]
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.optional(&narrowing)
    try c.code(&matrix)
    try c.optional(&residual)
    try c.optional(&extent)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    let extent = extent ?? Extent(of: c.input.shape)
    return OutputForm(
      Shape(height: extent.height, width: extent.width, channels: matrix.n), .stream)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.check(narrowing)
    try c.check(matrix, k: c.input.shape.channels, n: c.output.shape.channels)
    guard let residual else { return }
    let map = c.inputs[1]
    try c.require(
      map.shape.channels == c.output.shape.channels && map.type == c.output.type
        && (residual.resampling != .none || map.shape == c.output.shape),
      "a residual of \(c.output.shape) and the output's type", "\(map.shape)")
    try c.checkResidual(residual.multiplier)
    if let extent {
      try c.require(
        extent.height <= c.input.shape.height && extent.width <= c.input.shape.width,
        "nothing added behind the input's end", "\(extent)")
    }
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      PointwiseScratch(
        self, output: operands.output.shape, outputPitch: operands.output.pitch,
        residual: residual == nil ? nil : operands.inputs[1].shape, strip: strip
      ).byteCount)
  }

  var division: StepDivision {
    extent == nil && (residual?.resampling ?? Resampling.none) == Resampling.none
      ? .positions : .together
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    c.add([matrix], positions: c.positions, to: &work)
    if narrowing != nil { work.add(c.positions * c.channels(matrix.k), to: .values) }
    if let residual, residual.resampling != .none { work.add(2 * c.map, to: .values) }
    return work
  }
}

extension Pointwise.Residual: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.float(&multiplier)
    try c.choice(&resampling, "resampling", "0, 1 or 2")
    try c.flag(&isBehindReLU)
  }
}

/// The narrowed rows of one strip if there are any, the product's scratch, zeros and what they give, and
/// what the residual is read with.
public struct PointwiseScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Bytes from one narrowed row to the next.
  public let narrowedPitch: Int
  /// Offsets of the parts.
  public let narrowed, product, zeros, constant, resampling: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step.
  ///
  /// - Parameters:
  ///   - outputPitch: Bytes from one position of the output to the next.
  ///   - map: The shape of what is added, if something is.
  public init(
    _ step: Pointwise, output: Shape, outputPitch: Int, residual map: Shape?, strip: Int
  ) {
    stripRows = min(output.positions, strip)
    narrowedPitch = Shape.blocks(step.matrix.k) * Shape.block
    let resampling = step.residual?.resampling ?? .none
    var cursor = ScratchCursor()
    narrowed = cursor.reserve(step.narrowing == nil ? 0 : stripRows * narrowedPitch)
    product = cursor.reserveProduct(rows: stripRows, k: step.matrix.k)
    zeros = cursor.reserve(step.extent == nil ? 0 : narrowedPitch)
    constant = cursor.reserve(step.extent == nil ? 0 : outputPitch)
    self.resampling = cursor.reserve(
      resampling == .none
        ? 0
        : ResampleScratch(map ?? output, pitch: outputPitch, grid: output.width).byteCount)
    byteCount = cursor.byteCount
  }
}
