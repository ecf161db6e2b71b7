// SPDX-License-Identifier: Apache-2.0

/// The unit of execution: what can be kept in cache, not what a training framework calls an operator.
public struct Step: Equatable, Sendable {
  /// What the step computes.
  public var operation: Operation
  /// Indices of the tensors that are read, in the operation's order; a residual comes second.
  public var inputs: [Int]
  /// Index of the tensor that is written.
  public var output: Int
  /// Where the first thread's scratch starts in the arena; a multiple of 64.
  public var scratchOffset = 0
  /// Scratch of the first thread, a multiple of 64.
  public var scratchBytes = 0
  /// Positions of the largest strip, at least 1: so many are worked on at a time, that what lies between
  /// a strip's products stays in a cache.
  ///
  /// No result depends on it. Steps that work row by row have no strips.
  public var stripRows = 1

  /// A step whose scratch is not placed.
  public init(_ operation: Operation, inputs: [Int], output: Int) {
    self.operation = operation
    self.inputs = inputs
    self.output = output
  }

  /// The tensors that the step reads and writes; nil if one is missing, or if it reads none.
  public func operands(in tensors: [Tensor]) -> Operands? {
    guard !inputs.isEmpty, inputs.allSatisfy(tensors.indices.contains),
      tensors.indices.contains(output)
    else { return nil }
    return Operands(inputs: inputs.map { tensors[$0] }, output: tensors[output])
  }
}

extension Step: FieldCodable {
  init() { self.init(.patchEmbed(PatchEmbed()), inputs: [], output: 0) }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.list(&inputs, "inputs of a step", limit: PlanLimits.inputs, 0) {
      (c, input) throws(C.Failure) in try c.index(&input)
    }
    try c.index(&output)
    try c.size(&scratchOffset, "scratch offset", limit: PlanLimits.arenaBytes)
    try c.size(&scratchBytes, "scratch bytes", limit: PlanLimits.arenaBytes)
    try c.index(&stripRows)
    try c.operation(&operation)
  }
}
