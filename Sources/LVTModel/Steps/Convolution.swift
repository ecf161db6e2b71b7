// SPDX-License-Identifier: Apache-2.0

/// A K × K convolution with padding (K − 1) / 2, then the function of a table if there is one.
///
/// The output has an edge of (edge − 1) / stride + 1, rounded down.
public struct Convolution: Equatable, Sendable {
  /// K, odd.
  public var kernel = 0
  /// Input rows and columns from one output position to the next.
  public var stride = 0
  /// What a tap outside the picture holds, if the input is one: three colours as q = p − 128, and a
  /// fourth byte that is −128 for all taps inside.
  ///
  /// Zero of the normalised picture is a fraction of a grey level: the colours are the nearest whole
  /// ones, and the weight of the fourth byte makes up the difference. A map's taps outside hold the
  /// map's zero point.
  public var outside: SIMD4<Int8>?
  /// k = K² · channels in, or K² · 4 for a picture, in the order row, column, channel.
  public var matrix = PackedMatrix()
  /// Byte offset of the 256-entry table of an activation, a multiple of 64.
  public var tableOffset: Int?

  /// Zeros, to be filled.
  public init() {}

  /// Bytes of a tap of a picture: the colours, and whether it is outside.
  public static let pictureChannels = 4

  /// The edge of what a convolution makes.
  public static func edge(_ edge: Int, stride: Int) -> Int { (edge - 1) / stride + 1 }
}

extension Convolution: StepOperation {
  static let code: UInt32 = 12
  var name: String { "convolution" }
  var inputTypes: [ElementTypes] { outside == nil ? [.int8] : [.picture] }
  var matrices: [PackedMatrix] { [matrix] }
  var kernels: [String] {
    [outside == nil ? "taps_s8" : "taps_u8", "gemm_s8"] + (tableOffset == nil ? [] : ["table_s8"])
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&kernel)
    try c.index(&stride)
    try c.optional(&outside)
    try c.code(&matrix)
    try c.optionalOffset(&tableOffset)
  }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    try c.require(
      (1...PlanLimits.kernel).contains(stride), "a stride of 1 ... \(PlanLimits.kernel)",
      "\(stride)")
    return OutputForm(
      Shape(
        height: Convolution.edge(c.input.shape.height, stride: stride),
        width: Convolution.edge(c.input.shape.width, stride: stride), channels: matrix.n),
      .int8)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.checkKernel(kernel)
    let channels = outside == nil ? c.input.shape.channels : Convolution.pictureChannels
    try c.check(matrix, k: kernel * kernel * channels, n: c.output.shape.channels)
    if let tableOffset { try c.requireConstants(tableOffset, 256) }
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      ConvolutionScratch(
        self, channels: operands.input.shape.channels,
        positions: operands.output.shape.positions, strip: strip
      ).byteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    // A picture's fourth byte is padding.
    let k =
      c.isPadded || outside == nil
      ? c.rows(matrix.k) : Count(matrix.k / Convolution.pictureChannels) * Count(c.input.channels)
    work.add(c.map * k, to: .gemm)
    work.add(c.positions * k + (tableOffset == nil ? 1 : 2) * c.map, to: .values)
    return work
  }
}

/// Gathered neighbourhoods of one strip, a tap outside the input, and the product's scratch.
public struct ConvolutionScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Bytes from one gathered row to the next.
  public let tapsPitch: Int
  /// Offsets of the parts.
  public let outside, taps, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose input has `channels` and whose output `positions`.
  public init(_ step: Convolution, channels: Int, positions: Int, strip: Int) {
    stripRows = min(positions, strip)
    tapsPitch = Shape.blocks(step.matrix.k) * Shape.block
    var cursor = ScratchCursor()
    outside = cursor.reserve(max(channels, Convolution.pictureChannels))
    taps = cursor.reserve(stripRows * tapsPitch)
    product = cursor.reserveProduct(rows: stripRows, k: step.matrix.k)
    byteCount = cursor.byteCount
  }
}
