// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// A K × K depth-wise convolution whose taps are computed from the mean of its input, then ReLU:
/// mean over positions as int16 → product → ReLU as int16 → product to the taps in float32, which are
/// rounded to int8 for each channel.
///
/// The output may overwrite the input.
public struct DynamicDepthwise: Equatable, Sendable {
  /// K, odd.
  public var kernel = 0
  /// Scale of the input over the number of positions and the scale of the int16 mean.
  public var meanMultiplier: Float = 0
  /// Channels × hidden; the panels' own bias is zero.
  public var squeeze = PackedMatrix()
  /// Byte offset of `hidden` float32 biases in units of the int16 hidden values, within ±2¹²⁰; a multiple
  /// of 64.
  public var squeezeBiasOffset = 0
  /// Hidden × taps; a panel for each tap of each block of 16 channels, block after block.
  ///
  /// The panels' own bias is zero.
  public var expand = PackedMatrix()
  /// Byte offset of a float32 bias for each of the taps, within ±2¹²⁰; a multiple of 64.
  public var expandBiasOffset = 0
  /// Byte offset of the channels' float32 biases, padded to blocks of 16; a multiple of 64.
  public var biasOffset = 0

  /// Zeros, to be filled.
  public init() {}

  /// The columns of `expand`: taps of all channels, padding channels included.
  public static func columns(kernel: Int, channels: Int) -> Int {
    Shape.blocks(channels) * kernel * kernel * Shape.block
  }
}

extension DynamicDepthwise: InPlaceOperation {
  static let code: UInt32 = 4
  var name: String { "dynamicDepthwise" }
  var inputTypes: [ElementTypes] { [.int8] }
  var matrices: [PackedMatrix] { [squeeze, expand] }
  var kernels: [String] {
    ["column_sums_s8", "gemm_s8", "gemm_s8", "pack_dwconv_f32", "dwconv_s8"]
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&kernel)
    try c.float(&meanMultiplier)
    try c.code(&squeeze)
    try c.offset(&squeezeBiasOffset)
    try c.code(&expand)
    try c.offset(&expandBiasOffset)
    try c.offset(&biasOffset)
  }

  func check(_ c: StepContext) throws(PlanError) {
    let channels = c.input.shape.channels
    try c.checkKernel(kernel)
    try c.checkMean(meanMultiplier)
    try c.check(squeeze, k: channels, n: expand.k, multiplier: PlanLimits.wideMultiplier)
    try c.checkFloats(squeezeBiasOffset, count: squeeze.n, within: PlanLimits.wideBias)
    let columns = DynamicDepthwise.columns(kernel: kernel, channels: channels)
    try c.check(expand, k: squeeze.n, n: columns, multiplier: PlanLimits.wideMultiplier)
    try c.checkFloats(expandBiasOffset, count: columns, within: PlanLimits.wideBias)
    try c.checkFloats(biasOffset, count: Shape.blocks(channels) * Shape.block)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    let parts = DynamicDepthwiseScratch(self, shape: operands.output.shape)
    return ScratchNeed(parts.byteCount, own: parts.ownByteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    let taps = c.outputChannels * c.taps(kernel)
    work.add(c.map * c.paddedTaps(kernel), to: .dwconv)
    work.add(
      c.vector * (c.rows(squeeze.k) * c.channels(squeeze.n) + c.rows(expand.k) * taps), to: .gemm)
    work.add(2 * c.map + taps, to: .values)
    return work
  }
}

/// The convolution's scratch, what lies between the products, and, used in the first thread's scratch
/// only, what all threads share: the hidden values and the panels that are made of them.
public struct DynamicDepthwiseScratch: Sendable {
  /// The convolution's part, at the start.
  public let convolution: DepthwiseScratch
  /// Bytes from the high bytes of the hidden values to the low ones.
  public let hiddenPitch: Int
  /// Bytes of one panel.
  public let panelBytes: Int
  /// Offsets of a thread's own parts.
  public let sums, mean, product, accumulators, values: Int
  /// Offsets of the shared parts.
  public let hidden, panels: Int
  /// The part of each thread.
  public let ownByteCount: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map.
  public init(_ step: DynamicDepthwise, shape: Shape) {
    convolution = DepthwiseScratch(kernel: step.kernel, shape: shape)
    hiddenPitch = Shape.blocks(step.squeeze.n) * Shape.block
    panelBytes = lvt_panel_bytes(lvt_dwconv_panel_k(step.kernel))
    // The widest product: all hidden values, or the taps of one block of channels.
    let columns = max(hiddenPitch, step.kernel * step.kernel * Shape.block)
    var cursor = ScratchCursor()
    _ = cursor.reserve(convolution.byteCount)
    sums = cursor.reserve(shape.paddedChannels * 4)
    mean = cursor.reserve(2 * shape.paddedChannels)
    product = cursor.reserveProduct(rows: 2, k: max(step.squeeze.k, step.expand.k))
    accumulators = cursor.reserve(2 * columns * 4)
    values = cursor.reserve(columns * 4)
    ownByteCount = cursor.byteCount
    hidden = cursor.reserve(2 * hiddenPitch)
    panels = cursor.reserve(Shape.blocks(shape.channels) * panelBytes)
    byteCount = cursor.byteCount
  }
}
