// SPDX-License-Identifier: Apache-2.0

/// A result of a plan.
public struct PlanOutput: Equatable, Sendable {
  /// What a result says.
  public enum Kind: UInt32, Sendable {
    /// Float32 logits, one for each class.
    case classes = 0
    /// Values of each position: features. Float32 of one position, or a map of int8 or int16.
    case map = 1
    /// The class of each pixel of the input, a byte each.
    case pixelClasses = 2
    /// Boxes, as ``Detect`` makes them.
    case detections = 3
    /// Which pixels of the boxes belong to their objects, as ``Masks`` says; boxes are a result, too.
    case masks = 4
  }

  /// What the result is called; no two of a plan have the same name.
  public var name: String
  /// What it says.
  public var kind: Kind
  /// Index of the tensor that holds it after the last step.
  public var tensor: Int

  /// A result.
  public init(name: String, kind: Kind, tensor: Int) {
    self.name = name
    self.kind = kind
    self.tensor = tensor
  }
}

extension PlanOutput: FieldCodable {
  init() { self.init(name: "", kind: .classes, tensor: 0) }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.text(&name)
    try c.choice(&kind, "kind of an output", "0 ... 4")
    try c.index(&tensor)
  }
}
