// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// What a node of a network computes: in float32, and as a step of a plan.
protocol FloatOperation: Sendable {
  /// The extent of what it makes; nil if it cannot read such inputs.
  func outputShape(of inputs: [Shape]) -> Shape?
  /// The float32 result, positions × channels.
  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float]
  /// The step, its constants appended.
  func lower(_ c: inout Lowering) -> Step.Operation

  /// The products whose extents a plan limits, in order.
  var matrices: [FloatMatrix] { get }
  /// Weights and biases.
  var parameters: Int { get }
  /// Multiplications.
  func macs(of inputs: [Shape], to output: Shape) -> Int
  /// The same where the inputs' extents do not matter.
  func macs(to output: Shape) -> Int

  /// The type of what it makes; nil for a map whose width is the residual stream's.
  var fixedType: ElementType? { get }
  /// Whether it only names what its inputs say, so that they are what is compared with the float network.
  var namesItsInputs: Bool { get }
  /// Classes of the boxes that it makes; nil if it makes none.
  var classesOfBoxes: Int? { get }
  /// Whether its inputs are maps that share one quantization.
  var sharesInputs: Bool { get }
  /// Whether the step reads and makes maps of int16 as well.
  var isOfStreams: Bool { get }
  /// Which of its inputs is added to the rest; nil if none is.
  var addedInput: Int? { get }

  /// Multiplies the result's channels by factors above 0; false if it cannot.
  mutating func scaleOutputs(_ factors: [Float]) -> Bool
  /// Becomes the operation on a first input whose channels were divided by the factors; false if it cannot.
  mutating func scaleInputs(_ factors: [Float]) -> Bool
  /// Becomes the operation that makes factors times as much of some inputs that are factors times as much;
  /// false if it cannot.
  mutating func scale(_ factors: [Float], inputs: Set<Int>, output: Bool) -> Bool
  /// How far channels of the first input are made alike: the exponent of the ratio of their ranges.
  var inputEqualization: Float { get }
  /// Makes the channels between its own parts alike.
  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?)
  /// Makes so much less in each channel; false if it has no bias for that.
  mutating func subtractFromBias(_ shift: [Float]) -> Bool
}

/// Called with the values at a point of the node that runs, positions × channels.
typealias Observer = (_ role: Point.Role, _ values: [Float], _ channels: Int) -> Void

extension FloatOperation {
  var fixedType: ElementType? { nil }
  var sharesInputs: Bool { false }
  var namesItsInputs: Bool { false }
  var classesOfBoxes: Int? { nil }
  func macs(of inputs: [Shape], to output: Shape) -> Int { macs(to: output) }
  func macs(to output: Shape) -> Int { 0 }
  var isOfStreams: Bool { true }
  var addedInput: Int? { nil }
  mutating func scaleOutputs(_ factors: [Float]) -> Bool { false }
  mutating func scaleInputs(_ factors: [Float]) -> Bool { false }
  mutating func scale(_ factors: [Float], inputs: Set<Int>, output: Bool) -> Bool { false }
  var inputEqualization: Float { 0.5 }
  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {}
  mutating func subtractFromBias(_ shift: [Float]) -> Bool { false }
}

/// A value of the float network.
struct FloatMap {
  let values: [Float]
  let shape: Shape
}

/// LayerNorm's parameters.
struct FloatNorm: Sendable {
  /// Scale of each channel.
  var gamma: [Float]
  /// Shift of each channel.
  var beta: [Float]
  /// What is added to the variance.
  let epsilon: Float

  func applied(to values: [Float]) -> [Float] {
    [Float](unsafeUninitializedCapacity: values.count) { result, count in
      let channels = gamma.count
      lvtf_layernorm(
        values, values.count / channels, channels, gamma, beta, epsilon, result.baseAddress)
      count = values.count
    }
  }

  /// The norm that makes factors times as much.
  mutating func scaleOutputs(_ factors: [Float]) {
    for c in factors.indices {
      gamma[c] *= factors[c]
      beta[c] *= factors[c]
    }
  }
}
