// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// A K × K depth-wise convolution, stride 1, padding (K − 1) / 2, plus its input if there is a residual
/// multiplier.
///
/// The output may overwrite the input.
public struct Depthwise: Equatable, Sendable {
  /// K, odd.
  public var kernel = 0
  /// One panel for each block of 16 channels; k = K rows of taps padded to groups of 4.
  public var filter = PackedMatrix()
  /// Scale of the input over that of the output; nil if the input is not added.
  public var residualMultiplier: Float?

  /// Zeros, to be filled.
  public init() {}

  /// The padded taps of a K × K filter: the k of its panels.
  public static func paddedTaps(_ kernel: Int) -> Int { kernel * ((kernel + 3) / 4) * 4 }
}

extension Depthwise: InPlaceOperation {
  static let code: UInt32 = 3
  var name: String { "depthwise" }
  var inputTypes: [ElementTypes] { [.int8] }
  var matrices: [PackedMatrix] { [filter] }
  var kernels: [String] { ["dwconv_s8"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&kernel)
    try c.code(&filter)
    try c.optional(&residualMultiplier)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.checkKernel(kernel)
    try c.check(
      filter, k: Depthwise.paddedTaps(kernel), n: c.input.shape.channels, segments: kernel,
      of: kernel)
    if let residualMultiplier { try c.checkResidual(residualMultiplier) }
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(DepthwiseScratch(kernel: kernel, shape: operands.output.shape).byteCount)
  }

  var division: StepDivision { .rows(kernel: kernel, stride: 1, padding: (kernel - 1) / 2) }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    work.add(c.map * c.paddedTaps(kernel), to: .dwconv)
    work.add(c.map, to: .values)
    return work
  }
}

/// The kernel's ring of rows, and copies of the rows that neighbouring threads overwrite.
public struct DepthwiseScratch: Sendable {
  /// Offsets of the parts.
  public let ring, above, below: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a K × K convolution over a map.
  public init(kernel: Int, shape: Shape) {
    self.init(
      kernel: kernel, shape: shape, ringBytes: lvt_dwconv_scratch_bytes(shape.width, kernel))
  }

  init(kernel: Int, shape: Shape, ringBytes: Int) {
    let halo = (kernel - 1) / 2 * shape.width * shape.paddedChannels
    var cursor = ScratchCursor()
    ring = cursor.reserve(ringBytes)
    above = cursor.reserve(halo)
    below = cursor.reserve(halo)
    byteCount = cursor.byteCount
  }
}
