// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import Foundation
internal import LVTModel

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
      packed.weights(of: self).withUnsafeBufferPointer { w in
        lvtf_product(
          input, rows, inputs, w.baseAddress, outputs, bias, relu ? 1 : 0, out.baseAddress)
      }
      count = rows * outputs
    }
  }

  /// A K × K convolution of a map with padding (K − 1) / 2.
  func convolved(
    _ map: FloatMap, kernel: Int, stride: Int, to output: Shape, relu: Bool
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: output.positions * outputs) { out, count in
      packed.weights(of: self).withUnsafeBufferPointer { w in
        lvtf_convolution(
          map.values, map.shape.height, map.shape.width, map.shape.channels, kernel, stride,
          w.baseAddress, outputs, bias, relu ? 1 : 0, output.height, output.width,
          out.baseAddress)
      }
      count = output.positions * outputs
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
