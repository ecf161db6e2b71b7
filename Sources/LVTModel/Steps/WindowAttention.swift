// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// Multi-head attention inside square windows, LayerNorm in front, a product behind, and the input
/// added; one window over the whole map is global attention.
///
/// The output may overwrite the input.
public struct WindowAttention: Equatable, Sendable {
  /// Edge of a window.
  ///
  /// Where the map does not cut into whole windows, what pads it are zeros behind the LayerNorm.
  public var window = 0
  /// How far the windows are shifted, and where padding lies.
  public var shift = WindowShift()
  /// Heads, which divide the channels.
  public var heads = 0
  /// Over the channels.
  public var norm = LayerNorm()
  /// Channels × 3 · channels: queries, keys, values, each with zero point 0.
  public var qkv = PackedMatrix()
  /// Scales of queries and keys and the scores' factor over the scores' unit, which is ln 2 / 1024 for
  /// softmax.
  public var scoreMultiplier: Float = 0
  /// Byte offset of heads × (2 · window − 1)² int32 biases by key minus query, a multiple of 64.
  public var biasOffset: Int?
  /// What makes weights of scores; nil for softmax.
  public var keyNorm: KeyNorm?
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

  /// Rows and columns of windows that cover a map.
  public func windows(of map: Shape) -> (rows: Int, columns: Int) {
    let axes = axes(of: map)
    return (axes.rows.covered / window, axes.columns.covered / window)
  }
  /// The rows and columns of a map under the windows.
  public func axes(of map: Shape) -> (rows: WindowAxis, columns: WindowAxis) {
    (
      WindowAxis(extent: map.height, window: window, shift: shift.rows, order: shift.order),
      WindowAxis(extent: map.width, window: window, shift: shift.columns, order: shift.order)
    )
  }
  /// Positions of a window.
  public var tokens: Int { window * window }
  /// Elements of the biases.
  public var biasCount: Int { WindowAttention.biasCount(window: window, heads: heads) }
  /// Elements of the biases of a window.
  public static func biasCount(window: Int, heads: Int) -> Int {
    heads * (2 * window - 1) * (2 * window - 1)
  }
  /// Windows may have this edge; more positions could overflow the sums.
  public static let maximumWindow = 22
  /// Scores and biases of a softmax are in this fraction of a doubling of the weight.
  public static let scoreUnits: Float = 1024
}

extension WindowAttention: InPlaceOperation {
  static let code: UInt32 = 9
  var name: String { "windowAttention" }
  var inputTypes: [ElementTypes] { [.stream] }
  var matrices: [PackedMatrix] { [qkv, project] }
  var kernels: [String] { ["layernorm", "gemm_s8", "attention_s8", "gemm_s8"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&window)
    try c.code(&shift)
    try c.index(&heads)
    try c.code(&norm)
    try c.code(&qkv)
    try c.float(&scoreMultiplier)
    try c.optionalOffset(&biasOffset)
    try c.optional(&keyNorm)
    try c.float(&attendedMultiplier)
    try c.signed(&attendedZeroPoint)
    try c.code(&project)
    try c.float(&residualMultiplier)
  }

  func check(_ c: StepContext) throws(PlanError) {
    // At most 22² = 484 positions, so that 484 · 32767 · 128, the greatest sum of values, fits int32.
    try c.require(
      (1...WindowAttention.maximumWindow).contains(window),
      "windows of at most \(WindowAttention.maximumWindow)", "\(window)")
    try c.require(
      shift.rows < window && shift.columns < window, "a shift of less than a window",
      "\(shift.rows) rows and \(shift.columns) columns")
    try c.checkHeads(heads)
    try c.checkProjections(
      norm, qkv, project, attendedZeroPoint: attendedZeroPoint,
      partChannels: c.input.shape.channels)
    try c.checkScores(scoreMultiplier, attendedMultiplier)
    try c.checkResidual(residualMultiplier)
    if let keyNorm {
      for offset in [keyNorm.gammaOffset, keyNorm.betaOffset] {
        try c.checkFloats(offset, count: heads, within: PlanLimits.outputBias)
      }
      try c.checkEpsilon(keyNorm.epsilon)
    }
    guard let biasOffset else { return }
    try c.requireConstants(biasOffset, biasCount * 4)
    for i in 0..<biasCount {
      let bias = c.constants.loadUnaligned(fromByteOffset: biasOffset + 4 * i, as: Int32.self)
      try c.require(
        (-PlanLimits.score...PlanLimits.score).contains(bias),
        "position biases within ±\(PlanLimits.score)", "\(bias)")
    }
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      WindowAttentionScratch(
        self, shape: operands.output.shape, type: operands.input.type, strip: strip
      ).byteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    let edge = max(1, window), tokens = c.taps(edge)
    let gathered =
      Count((c.output.height + edge - 1) / edge) * Count((c.output.width + edge - 1) / edge)
      * tokens
    c.add([qkv, project], positions: gathered, to: &work)
    c.addAttention(.attention, heads: heads, queries: gathered, keys: tokens, to: &work)
    work.add(2 * gathered * c.outputChannels, to: .values)
    return work
  }
}

/// One window: its positions, what LayerNorm and then the heads make of them, queries, keys and values,
/// the regions of a shifted window, and the kernels' scratch.
public struct WindowAttentionScratch: Sendable {
  /// Positions of the largest strip of a product.
  public let stripRows: Int
  /// Offsets of the parts.
  public let gathered, normalized, qkv, regions, kernel: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map of this shape and type.
  public init(_ step: WindowAttention, shape: Shape, type: ElementType, strip: Int) {
    stripRows = min(step.tokens, strip)
    var cursor = ScratchCursor()
    gathered = cursor.reserve(step.tokens * shape.paddedChannels * type.byteCount)
    normalized = cursor.reserve(step.tokens * shape.paddedChannels)
    qkv = cursor.reserve(step.tokens * step.qkv.panelCount * Shape.block)
    regions = cursor.reserve(step.tokens)
    // The products and the attention between them take turns.
    kernel = cursor.reserve(
      max(
        lvt_gemm_scratch_bytes(stripRows, shape.channels),
        lvt_attention_scratch_bytes(step.tokens, shape.channels / step.heads)))
    byteCount = cursor.byteCount
  }
}
