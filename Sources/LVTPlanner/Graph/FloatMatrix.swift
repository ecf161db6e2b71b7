// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import Dispatch
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

  /// Becomes the matrix on neighbourhoods whose channels were multiplied with factors.
  mutating func divideChannels(by factors: [Float]) {
    scaleInputs((0..<inputs).map { 1 / factors[$0 % factors.count] })
  }

  /// `rows` results of the map, `relu` applied.
  ///
  /// Large ones are computed on all processors that calibration leaves free.
  func applied(to input: [Float], rows: Int, relu: Bool = false) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows * outputs) { out, count in
      packed.weights(of: self).withUnsafeBufferPointer { w in
        input.withUnsafeBufferPointer { input in
          bias.withUnsafeBufferPointer { bias in
            // Every part has rows of its own.
            nonisolated(unsafe) let (w, input, bias, out) = (
              w.baseAddress, input.baseAddress, bias.baseAddress, out.baseAddress
            )
            let part = max(1, Self.partWork / (inputs * outputs))
            DispatchQueue.concurrentPerform(iterations: (rows + part - 1) / part) { [self] i in
              let first = i * part
              lvtf_product(
                input.map { $0 + first * inputs }, min(part, rows - first), inputs, w, outputs,
                bias,
                relu ? 1 : 0, out.map { $0 + first * outputs })
            }
          }
        }
      }
      count = rows * outputs
    }
  }

  /// Multiplications of a part of a product: some hundred microseconds.
  private static let partWork = 1 << 25

  /// A K × K convolution of a map with padding (K − 1) / 2.
  ///
  /// - Parameter product: Its number among the node's products. As there are K² times as many inputs as
  ///   values, only those of a sample of positions are observed.
  func convolved(
    _ map: FloatMap, kernel: Int, stride: Int, to output: Shape, relu: Bool, product: Int,
    _ observe: Observer
  ) -> [Float] {
    var samples: [Float] = []
    for position in Swift.stride(
      from: 0, to: output.positions, by: InputMoments.sampled(of: output.positions))
    {
      map.appendNeighbourhood(
        row: position / output.width * stride, column: position % output.width * stride,
        kernel: kernel, to: &samples)
    }
    observe(.product(product), samples, inputs)
    return [Float](unsafeUninitializedCapacity: output.positions * outputs) { out, count in
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

extension FloatMap {
  /// Appends the K × K neighbourhood of a position, zeros outside.
  fileprivate func appendNeighbourhood(
    row: Int, column: Int, kernel: Int, to samples: inout [Float]
  ) {
    let pad = (kernel - 1) / 2
    for y in row - pad...row + pad {
      for x in column - pad...column + pad {
        if (0..<shape.height).contains(y), (0..<shape.width).contains(x) {
          let start = (y * shape.width + x) * shape.channels
          samples += values[start..<start + shape.channels]
        } else {
          samples += repeatElement(0, count: shape.channels)
        }
      }
    }
  }
}
