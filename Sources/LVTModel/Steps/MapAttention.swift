// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// Multi-head softmax attention among all positions of a map, or of each with its 3 × 3 neighbours at
/// several distances; LayerNorm in front, a product behind, and the input added.
///
/// The output may overwrite the input.
public struct MapAttention: Equatable, Sendable {
  /// Groups of heads of equal size: those of group g attend to neighbours that are g + 1 rows and columns
  /// apart, of which those outside the map are zeros.
  ///
  /// nil: every position attends to all.
  public var dilations: Int?
  /// Heads, which divide the channels.
  public var heads = 0
  /// Over the channels.
  public var norm = LayerNorm()
  /// Channels × 3 · channels: queries, keys, values, each with zero point 0.
  public var qkv = PackedMatrix()
  /// Scales of queries and keys, the scores' factor, and 1024 · log₂ e.
  public var scoreMultiplier: Float = 0
  /// Scale of the values over that of their weighted means.
  public var attendedMultiplier: Float = 0
  /// What zero is in the weighted means.
  public var attendedZeroPoint = 0
  /// Channels × channels.
  public var project = PackedMatrix()
  /// Scale of the input over that of the output.
  public var residualMultiplier: Float = 0

  /// Zeros, to be filled.
  public init() {}

  /// Positions that each position of a map attends to.
  public func keys(of map: Shape) -> Int { dilations == nil ? map.positions : 9 }
  /// A map to all positions of which one attends may have so many.
  public static let maximumPositions = 65536
}

extension MapAttention: InPlaceOperation {
  static let code: UInt32 = 10
  var name: String { dilations == nil ? "globalAttention" : "dilatedAttention" }
  var inputTypes: [ElementTypes] { [.stream] }
  var matrices: [PackedMatrix] { [qkv, project] }
  var kernels: [String] {
    [
      "layernorm", "gemm_s8", dilations == nil ? "attention_s8" : "dilated_attention_s8",
      "gemm_s8",
    ]
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.optionalIndex(&dilations)
    try c.index(&heads)
    try c.code(&norm)
    try c.code(&qkv)
    try c.float(&scoreMultiplier)
    try c.float(&attendedMultiplier)
    try c.signed(&attendedZeroPoint)
    try c.code(&project)
    try c.float(&residualMultiplier)
  }

  func check(_ c: StepContext) throws(PlanError) {
    let map = c.input.shape
    try c.checkHeads(heads)
    if let dilations {
      try c.require(
        dilations >= 1 && heads % dilations == 0, "groups that divide \(heads) heads",
        "\(dilations)")
    } else {
      try c.require(
        map.positions <= MapAttention.maximumPositions,
        "at most \(MapAttention.maximumPositions) positions", "\(map)")
    }
    try c.checkProjections(
      norm, qkv, project, attendedZeroPoint: attendedZeroPoint, partChannels: map.channels)
    try c.checkScores(scoreMultiplier, attendedMultiplier)
    try c.checkResidual(residualMultiplier)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    let parts = MapAttentionScratch(self, shape: operands.output.shape, strip: strip)
    return ScratchNeed(parts.byteCount, own: parts.ownByteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    c.add([qkv, project], positions: c.positions, to: &work)
    c.addAttention(
      dilations == nil ? .attention : .dilatedAttention, heads: heads, queries: c.positions,
      keys: dilations == nil ? c.positions : 9, to: &work)
    work.add(2 * c.map, to: .values)
    return work
  }
}

/// Normalised positions of one strip and the kernels' scratch, and, shared by all threads, the queries,
/// keys and values of the whole map; the weighted means replace the queries.
public struct MapAttentionScratch: Sendable {
  /// Positions of the largest strip before and behind the attention.
  public let stripRows: Int
  /// Bytes from the queries of one position to those of the next.
  public let qkvPitch: Int
  /// Offsets of a thread's own parts.
  public let normalized, kernel: Int
  /// Offset of the shared part.
  public let qkv: Int
  /// The part of each thread.
  public let ownByteCount: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map of this shape.
  public init(_ step: MapAttention, shape: Shape, strip: Int) {
    let headChannels = shape.channels / step.heads
    self.init(
      step.qkv, shape: shape, strip: strip,
      attentionBytes: step.dilations == nil
        ? lvt_attention_scratch_bytes(shape.positions, headChannels)
        : lvt_dilated_attention_scratch_bytes(headChannels))
  }

  /// The scratch of a step over a map of this shape.
  public init(_ step: DepthwiseAttention, shape: Shape, strip: Int) {
    self.init(
      step.qkv, shape: shape, strip: strip,
      attentionBytes: lvt_depthwise_attention_scratch_bytes(shape.paddedChannels))
  }

  private init(_ matrix: PackedMatrix, shape: Shape, strip: Int, attentionBytes: Int) {
    stripRows = min(shape.positions, strip)
    qkvPitch = matrix.panelCount * Shape.block
    var cursor = ScratchCursor()
    normalized = cursor.reserve(stripRows * shape.paddedChannels)
    // The products and the attention between them take turns.
    kernel = cursor.reserve(
      max(lvt_gemm_scratch_bytes(stripRows, shape.channels), attentionBytes))
    ownByteCount = cursor.byteCount
    qkv = cursor.reserve(shape.positions * qkvPitch)
    byteCount = cursor.byteCount
  }
}
