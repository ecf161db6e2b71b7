// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// A K × K depth-wise convolution with taps of each position, computed from the position's channels and
/// shared by groups of channels, then scale, bias and ReLU: product → ReLU as int8 → product to the taps
/// as int16, which exist for some positions at a time.
///
/// The output may overwrite the input.
public struct InhomogeneousDepthwise: Equatable, Sendable {
  /// K, odd.
  public var kernel = 0
  /// Groups of neighbouring channels, which divide the channels.
  public var groups = 0
  /// Channels × hidden.
  public var squeeze = PackedMatrix()
  /// Hidden × taps in the order of lvt_posconv_args, the place that pads the last pair included.
  public var expand = PackedMatrix()
  /// Byte offset of a float32 factor for each channel, padded to blocks of 16; a multiple of 64.
  ///
  /// Scale of the input times that of the group's taps times the channel's own over that of the
  /// output, within ±0.5.
  public var multiplierOffset = 0
  /// Byte offset of the channels' float32 biases in units of the output, within ±2²⁴, padded to blocks of
  /// 16; a multiple of 64.
  public var biasOffset = 0

  /// Zeros, to be filled.
  public init() {}

  /// The columns of `expand`.
  public static func columns(kernel: Int, groups: Int) -> Int {
    (kernel * kernel + 1) / 2 * 2 * groups
  }

  /// The column of a tap, as lvt_posconv_args orders them.
  public static func column(kernel: Int, groups: Int, row: Int, column: Int, group: Int) -> Int {
    let last = kernel - 1
    let tap = column < last ? row * last + column : kernel * last + row
    return (tap / 2 * groups + group) * 2 + tap % 2
  }
}

extension InhomogeneousDepthwise: InPlaceOperation {
  static let code: UInt32 = 5
  var name: String { "inhomogeneousDepthwise" }
  var inputTypes: [ElementTypes] { [.int8] }
  var matrices: [PackedMatrix] { [squeeze, expand] }
  var kernels: [String] { ["gemm_s8", "gemm_s8", "pair_pixels_s8", "posconv_s16"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&kernel)
    try c.index(&groups)
    try c.code(&squeeze)
    try c.code(&expand)
    try c.offset(&multiplierOffset)
    try c.offset(&biasOffset)
  }

  func check(_ c: StepContext) throws(PlanError) {
    let channels = c.input.shape.channels
    try c.checkKernel(kernel)
    try c.require(
      groups >= 1 && channels % groups == 0, "groups that divide \(c.input.shape)", "\(groups)")
    try c.check(squeeze, k: channels, n: expand.k)
    try c.check(
      expand, k: squeeze.n, n: InhomogeneousDepthwise.columns(kernel: kernel, groups: groups))
    let padded = Shape.blocks(channels) * Shape.block
    try c.checkFloats(multiplierOffset, count: padded, within: 0.5)
    try c.checkFloats(biasOffset, count: padded, within: PlanLimits.outputBias)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      InhomogeneousDepthwiseScratch(self, shape: operands.output.shape, strip: strip).byteCount)
  }

  var division: StepDivision { .rows(kernel: kernel, stride: 1, padding: (kernel - 1) / 2) }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    let taps = c.isPadded ? c.channels(expand.n) : c.taps(kernel) * Count(groups)
    work.add(c.map * c.taps(kernel), to: .posconv)
    work.add(
      c.positions * (c.rows(squeeze.k) * c.channels(squeeze.n) + c.rows(expand.k) * taps),
      to: .gemm)
    work.add(2 * c.map + c.positions * (c.channels(squeeze.n) + taps), to: .values)
    return work
  }
}

/// A ring of rows as pairs of pixels, the addresses of those that a window needs, copies of the rows
/// that neighbouring threads overwrite, and one strip's hidden values and taps.
public struct InhomogeneousDepthwiseScratch: Sendable {
  /// Positions of the largest strip; few, because each has thousands of taps.
  public let stripRows: Int
  /// The ring and the copies, at the start.
  public let convolution: DepthwiseScratch
  /// Int16 elements from one row of the ring to the next.
  public let ringElements: Int
  /// Int16 elements from one position's taps to the next one's.
  public let tapElements: Int
  /// Offsets of the parts.
  public let rows, hidden, taps, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map.
  public init(_ step: InhomogeneousDepthwise, shape: Shape, strip: Int) {
    stripRows = min(shape.positions, strip)
    ringElements = (shape.width + step.kernel - 1) * shape.paddedChannels * 2
    tapElements = lvt_posconv_tap_count(step.kernel, step.groups)
    convolution = DepthwiseScratch(
      kernel: step.kernel, shape: shape, ringBytes: step.kernel * ringElements * 2)
    var cursor = ScratchCursor()
    _ = cursor.reserve(convolution.byteCount)
    rows = cursor.reserve(step.kernel * 8)
    hidden = cursor.reserve(stripRows * step.squeeze.panelCount * Shape.block)
    taps = cursor.reserve(stripRows * tapElements * 2)
    product = cursor.reserveProduct(rows: stripRows, k: max(step.squeeze.k, step.expand.k))
    byteCount = cursor.byteCount
  }
}
