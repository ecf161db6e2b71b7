// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import Foundation

/// A linear map with bias: `outputs` rows of `inputs` weights, as a trained network stores them.
public struct FloatMatrix: Sendable {
  /// Values that each output sums.
  public let inputs: Int
  /// Rows.
  public let outputs: Int
  /// Row after row, `outputs` × `inputs`.
  public var weights: [Float] { didSet { packed = Packed() } }
  /// One value for each output.
  public var bias: [Float]

  private var packed = Packed()

  /// Weights and biases.
  var parameters: Int { weights.count + bias.count }

  /// A map; `weights` and `bias` have as many elements as the extents say.
  public init(inputs: Int, outputs: Int, weights: [Float], bias: [Float]) {
    precondition(weights.count == inputs * outputs && bias.count == outputs)
    self.inputs = inputs
    self.outputs = outputs
    self.weights = weights
    self.bias = bias
  }

  /// Multiplies the weights and the bias of each output.
  mutating func scaleOutputs(_ factors: [Float]) {
    var scaled = weights
    for o in 0..<outputs {
      for i in 0..<inputs { scaled[o * inputs + i] *= factors[o] }
      bias[o] *= factors[o]
    }
    weights = scaled
  }

  /// Multiplies the weights that each input meets.
  mutating func scaleInputs(_ factors: [Float]) {
    var scaled = weights
    for o in 0..<outputs {
      for i in 0..<inputs { scaled[o * inputs + i] *= factors[i] }
    }
    weights = scaled
  }

  /// `rows` results of the map, `relu` applied.
  func applied(to input: [Float], rows: Int, relu: Bool = false) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows * outputs) { out, count in
      apply(to: input, rows: rows, relu: relu, out.baseAddress)
      count = rows * outputs
    }
  }

  /// The same into memory that has room for them.
  func apply(to input: [Float], rows: Int, relu: Bool, _ out: UnsafeMutablePointer<Float>?) {
    packed.weights(of: self).withUnsafeBufferPointer { w in
      lvtf_product(input, rows, inputs, w.baseAddress, outputs, bias, relu ? 1 : 0, out)
    }
  }

  /// The weights in the float kernel's order, made on first use and shared by copies of the matrix.
  private final class Packed: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Float]?

    func weights(of matrix: FloatMatrix) -> [Float] {
      lock.withLock {
        if let values { return values }
        var packed = [Float](
          repeating: 0, count: lvtf_packed_count(matrix.inputs, matrix.outputs))
        lvtf_pack(matrix.weights, matrix.inputs, matrix.outputs, &packed)
        values = packed
        return packed
      }
    }
  }
}
