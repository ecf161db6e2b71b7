// SPDX-License-Identifier: Apache-2.0

/// Two products with a table between them and the input added, LayerNorm in front if there is one:
/// the hidden map never exists, only some rows of it.
///
/// The output may overwrite the input.
public struct MLP: Equatable, Sendable {
  /// What the first product reads is normalised by this; the input that is added is not.
  public var norm: LayerNorm?
  /// For an int16 input without LayerNorm.
  public var narrowing: Narrowing?
  /// Channels × hidden.
  public var expand = PackedMatrix()
  /// Byte offset of the 256-entry table of the activation, a multiple of 64.
  public var tableOffset = 0
  /// Hidden × channels.
  public var project = PackedMatrix()
  /// Scale of the input over that of the output.
  public var residualMultiplier: Float = 0

  /// Zeros, to be filled.
  public init() {}
}

extension MLP: InPlaceOperation {
  static let code: UInt32 = 6
  var name: String { "mlp" }
  var inputTypes: [ElementTypes] { [.stream] }
  var matrices: [PackedMatrix] { [expand, project] }
  var kernels: [String] {
    (norm == nil ? [] : ["layernorm"]) + ["gemm_s8", "table_s8", "gemm_s8"]
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.optional(&norm)
    try c.optional(&narrowing)
    try c.code(&expand)
    try c.offset(&tableOffset)
    try c.code(&project)
    try c.float(&residualMultiplier)
  }

  func check(_ c: StepContext) throws(PlanError) {
    let channels = c.input.shape.channels
    if let norm {
      try c.check(norm, channels: channels)
      try c.require(narrowing == nil, "a LayerNorm or a narrowing", "both")
    } else {
      try c.check(narrowing)
    }
    try c.check(expand, k: channels, n: project.k)
    try c.check(project, k: expand.n, n: channels)
    try c.requireConstants(tableOffset, 256)
    try c.checkResidual(residualMultiplier)
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      MLPScratch(self, positions: operands.output.shape.positions, strip: strip).byteCount)
  }

  var division: StepDivision { .positions }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    c.add([expand, project], positions: c.positions, to: &work)
    work.add(c.positions * c.channels(expand.n), to: .values)
    if norm != nil || narrowing != nil { work.add(c.map, to: .values) }
    return work
  }
}

/// The hidden rows of one strip, its normalised or narrowed rows if there are any, and the products'
/// scratch.
public struct MLPScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Offsets of the parts.
  public let source, hidden, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over `positions` positions.
  public init(_ step: MLP, positions: Int, strip: Int) {
    stripRows = min(positions, strip)
    let readsInput = step.norm == nil && step.narrowing == nil
    var cursor = ScratchCursor()
    source = cursor.reserve(readsInput ? 0 : stripRows * step.project.panelCount * Shape.block)
    hidden = cursor.reserve(stripRows * step.expand.panelCount * Shape.block)
    product = cursor.reserveProduct(
      rows: stripRows, k: max(step.expand.k, step.project.k))
    byteCount = cursor.byteCount
  }
}
