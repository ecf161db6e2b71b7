// SPDX-License-Identifier: Apache-2.0

/// Attention in which every channel weighs the K × K neighbours of a position for itself; LayerNorm in
/// front, a product behind, and the input added.
///
/// Neighbours outside the map are zeros and take part. Constants of channels are padded with zeros to
/// blocks of 16, their offsets are multiples of 64. The output may overwrite the input.
public struct DepthwiseAttention: Equatable, Sendable {
  /// What makes weights of scores.
  public enum Weighting: Equatable, Sendable {
    /// Offsets of a float32 factor of each channel's products, in 1024ths of a doubling of the weight,
    /// and of one of its weighted means; 0 … 65536.
    case softmax(scoreMultiplierOffset: Int, attendedMultiplierOffset: Int)
    /// Offsets of each channel's γ and β times the scale of its values over that of their weighted
    /// means, within ±2²⁴, and of its ε divided by the square of its scores' unit, at least 2⁻⁴⁰.
    case layerNorm(gammaOffset: Int, betaOffset: Int, epsilonOffset: Int)
  }

  /// K, odd.
  public var kernel = 0
  /// Over the channels.
  public var norm = LayerNorm()
  /// Channels × 3 · padded channels: queries, keys, values, each with zero point 0 and a scale of its own for
  /// every channel.
  public var qkv = PackedMatrix()
  /// Byte offset of K² × padded channels int16 biases in the channels' units of scores.
  public var biasOffset = 0
  /// What makes weights of scores.
  public var weighting = Weighting.softmax(scoreMultiplierOffset: 0, attendedMultiplierOffset: 0)
  /// What zero is in the weighted means.
  public var attendedZeroPoint = 0
  /// Channels × channels.
  public var project = PackedMatrix()
  /// Scale of the input over that of the output.
  public var residualMultiplier: Float = 0

  /// Zeros, to be filled.
  public init() {}
}

extension DepthwiseAttention: InPlaceOperation {
  static let code: UInt32 = 11
  var name: String { "depthwiseAttention" }
  var inputTypes: [ElementTypes] { [.stream] }
  var matrices: [PackedMatrix] { [qkv, project] }
  var kernels: [String] {
    let attention =
      switch weighting {
      case .softmax: "depthwise_softmax_s8"
      case .layerNorm: "depthwise_layernorm_s8"
      }
    return ["layernorm", "gemm_s8", attention, "gemm_s8"]
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&kernel)
    try c.code(&norm)
    try c.code(&qkv)
    try c.offset(&biasOffset)
    try c.code(&weighting)
    try c.signed(&attendedZeroPoint)
    try c.code(&project)
    try c.float(&residualMultiplier)
  }

  func check(_ c: StepContext) throws(PlanError) {
    let padded = c.input.shape.paddedChannels
    try c.checkKernel(kernel)
    // Every part of the product starts at a whole block, so that blocks can be read as they are.
    try c.checkProjections(
      norm, qkv, project, attendedZeroPoint: attendedZeroPoint, partChannels: padded)
    try c.requireConstants(biasOffset, kernel * kernel * padded * 2)
    switch weighting {
    case .softmax(let scores, let attended):
      for offset in [scores, attended] {
        try c.checkFloats(offset, count: padded, 0...PlanLimits.attention)
      }
    case .layerNorm(let gamma, let beta, let epsilon):
      for offset in [gamma, beta] {
        try c.checkFloats(offset, count: padded, within: PlanLimits.outputBias)
      }
      try c.checkFloats(
        epsilon, count: padded, PlanLimits.leastEpsilon ... .greatestFiniteMagnitude)
    }
    try c.checkResidual(residualMultiplier)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    let parts = MapAttentionScratch(self, shape: operands.output.shape, strip: strip)
    return ScratchNeed(parts.byteCount, own: parts.ownByteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    let neighbours = c.taps(kernel)
    work.add(4 * c.map * c.outputChannels, to: .gemm)
    switch weighting {
    case .softmax: work.add(2 * c.map * neighbours, to: .depthwiseSoftmax)
    case .layerNorm: work.add(2 * c.map * neighbours, to: .depthwiseLayerNorm)
    }
    work.add(6 * c.map, to: .values)
    if c.isPadded { work.add(c.map * neighbours, to: .values) }
    return work
  }
}

extension DepthwiseAttention.Weighting: FieldCodable {
  init() { self = .softmax(scoreMultiplierOffset: 0, attendedMultiplierOffset: 0) }

  private enum Code: UInt32 {
    case softmax = 0
    case layerNorm = 1
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    var code = Code.layerNorm, offsets = (0, 0, 0)
    switch self {
    case .softmax(let scores, let attended): (code, offsets) = (.softmax, (scores, attended, 0))
    case .layerNorm(let gamma, let beta, let epsilon): offsets = (gamma, beta, epsilon)
    }
    try c.choice(&code, "weighting", "0 or 1")
    try c.offset(&offsets.0)
    try c.offset(&offsets.1)
    switch code {
    case .softmax:
      self = .softmax(scoreMultiplierOffset: offsets.0, attendedMultiplierOffset: offsets.1)
    case .layerNorm:
      try c.offset(&offsets.2)
      self = .layerNorm(
        gammaOffset: offsets.0, betaOffset: offsets.1, epsilonOffset: offsets.2)
    }
  }
}
