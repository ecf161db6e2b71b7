// SPDX-License-Identifier: Apache-2.0

/// A dense tensor of float32 values in row-major order, whatever type the file stored.
///
/// Values may be infinite or NaN: whether that matters depends on the network, so the readers keep
/// them and ``firstNonFinite`` finds them.
public struct FloatTensor: Equatable, Sendable {
  /// The size of each dimension, outermost first, zero allowed; empty for a scalar.
  public let shape: [Int]

  /// The values, last dimension fastest; as many as the product of ``shape``.
  public let values: [Float]

  /// Creates a tensor.
  ///
  /// - Precondition: No dimension is negative, and `values` has as many elements as `shape` says.
  public init(shape: [Int], values: [Float]) {
    precondition(checkedProduct(shape) == values.count, "\(values.count) values for \(shape)")
    self.shape = shape
    self.values = values
  }

  /// The index into ``values`` of the first NaN or infinity, or nil if all are finite.
  public var firstNonFinite: Int? {
    values.firstIndex { !$0.isFinite }
  }
}
