// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Operations with any number of inputs, in an order in which each comes after what it reads.
struct Graph: Sendable {
  /// What the picture or a node makes; 0 is the picture.
  typealias ValueID = Int

  /// A value that nodes read.
  struct Value: Sendable {
    let shape: Shape
    /// The node that makes it; nil for the picture.
    let producer: Int?
  }

  /// An operation with its operands; each becomes one step of the plan.
  struct Node: Sendable {
    /// The name that the checkpoint gives this part.
    let name: String
    var operation: any FloatOperation
    let inputs: [ValueID]
    let output: ValueID
  }

  /// A value that the network is run for.
  struct Output: Sendable {
    let name: String
    let kind: PlanOutput.Kind
    let value: ValueID
  }

  private(set) var values: [Value]
  var nodes: [Node] = []
  var outputs: [Output] = []

  /// A graph of the picture alone.
  init(picture: Shape) { values = [Value(shape: picture, producer: nil)] }

  /// Appends an operation on values that there are, and returns what it makes.
  ///
  /// - Throws: ``NetworkError/operands(layer:found:)`` if it cannot read such values.
  mutating func add(
    _ name: String, _ operation: any FloatOperation, _ inputs: ValueID...
  ) throws(NetworkError) -> ValueID {
    try add(name, operation, inputs)
  }

  /// The same with a list of inputs.
  mutating func add(
    _ name: String, _ operation: any FloatOperation, _ inputs: [ValueID]
  ) throws(NetworkError) -> ValueID {
    let shapes = inputs.map { values[$0].shape }
    guard let shape = operation.outputShape(of: shapes) else {
      throw .operands(layer: name, found: shapes)
    }
    values.append(Value(shape: shape, producer: nodes.count))
    nodes.append(
      Node(name: name, operation: operation, inputs: inputs, output: values.count - 1))
    return values.count - 1
  }

  /// The nodes that read a value, in order; once for each time.
  func consumers(of value: ValueID) -> [Int] {
    nodes.indices.flatMap { node in nodes[node].inputs.filter { $0 == value }.map { _ in node } }
  }

  /// The node that reads a value, once and as its first input, where nothing else does and it is no result.
  func soleConsumer(of value: ValueID) -> Int? {
    let consumers = consumers(of: value)
    guard consumers.count == 1, nodes[consumers[0]].inputs[0] == value,
      !outputs.contains(where: { $0.value == value })
    else { return nil }
    return consumers[0]
  }

  /// Of each value, the last node that reads it; the last of all for results.
  var lastUses: [Int] {
    var last = values.map { $0.producer ?? 0 }
    for (i, node) in nodes.enumerated() {
      for input in node.inputs { last[input] = i }
    }
    for output in outputs { last[output.value] = nodes.count - 1 }
    return last
  }
}

/// A place in a network where values are quantized.
public struct Point: Hashable, Sendable {
  /// What a node's values are to it.
  public enum Role: Hashable, Sendable {
    /// What it makes.
    case output
    /// The sums of a patch embedding, before its LayerNorm.
    case sums
    /// The hidden values of an MLP before GELU, of a convolution before it; those of a filter with computed
    /// taps after its ReLU.
    case hidden
    /// The hidden values of an MLP or a convolution after its activation, in front of another product.
    case activated
    /// What the LayerNorm of a merge, a head, an MLP or an attention makes.
    case normalized
    /// The mean or the maximum over positions in a head, the mean for a dynamic filter.
    case pooled
    /// The taps of a dynamic filter, for each tap those of all channels; those of an inhomogeneous one as
    /// its second product makes them.
    case taps
    /// Of an attention.
    case queries, keys, values
    /// The values' weighted means in an attention.
    case attended
    /// What the convolutions in front of a detector's last ones make, of all levels.
    case classTower(Int), boxTower(Int)
    /// What the products of a node read, row after row, numbered as in ``FloatOperation/matrices``.
    case product(Int)
    /// The neighbourhoods that a depth-wise filter reads: of each channel its taps.
    case neighbours(taps: Int)
    /// What a detector's last convolutions make of a level.
    case classLogits(level: Int), boxOffsets(level: Int)
    /// What a product of a two-stage detector makes behind its ReLU, numbered as in ``FloatOperation/matrices``.
    case made(Int)
    /// The logits of all classes' masks.
    case maskLogits(stage: Int)

    /// The role in words.
    var name: String {
      switch self {
      case .classTower(let i): "class convolution \(i)"
      case .boxTower(let i): "box convolution \(i)"
      case .classLogits(let level): "class logits of level \(level)"
      case .boxOffsets(let level): "box offsets of level \(level)"
      case .made(let i): "product \(i)"
      case .maskLogits(let stage): "mask logits of stage \(stage)"
      default: "\(self)"
      }
    }
  }

  /// The value that the node makes.
  public let value: Int
  /// What is quantized there.
  public let role: Role
}
