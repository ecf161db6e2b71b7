// SPDX-License-Identifier: Apache-2.0

/// Where the elements of a tensor lie in a storage that others may share.
///
/// A layout comes from a file, so it is a claim until ``validate(storageCount:)`` accepted it.
struct StridedLayout: Equatable {
  /// The first element's index in the storage.
  var offset: Int

  /// The size of each dimension, outermost first.
  var shape: [Int]

  /// The distance, in elements, between neighbours along each dimension.
  var strides: [Int]

  /// The most dimensions that any network has by far.
  static let maximumRank = 32

  /// Checks that every element lies inside a storage of `storageCount` elements.
  ///
  /// - Returns: What is wrong, as an (expected, found) pair, or nil if all is well. After nil,
  ///   ``count`` and all index arithmetic are free of overflow.
  func validate(storageCount: Int) -> (expected: String, found: String)? {
    guard shape.count == strides.count, shape.count <= Self.maximumRank else {
      return (
        "as many strides as dimensions, at most \(Self.maximumRank)",
        "\(shape.count) dimensions and \(strides.count) strides"
      )
    }
    guard offset >= 0, shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }) else {
      return (
        "no negative offset, dimension or stride",
        "offset \(offset), shape \(shape), strides \(strides)"
      )
    }
    guard let count = checkedProduct(shape) else {
      return ("a shape with a sensible number of elements", "shape \(shape)")
    }
    if count == 0 { return nil }
    var last: Int? = offset
    for (size, stride) in zip(shape, strides) {
      guard let reach = checkedProduct([size - 1, stride]) else {
        last = nil
        break
      }
      last = last.flatMap { checkedSum($0, reach) }
    }
    guard let last, last < storageCount else {
      return (
        "elements inside a storage of \(storageCount)",
        "offset \(offset), shape \(shape), strides \(strides)"
      )
    }
    return nil
  }

  /// The number of elements, for a validated layout only.
  var count: Int { shape.reduce(1, *) }

  /// Whether the elements lie one after the other in row-major order.
  ///
  /// A dimension of size one may have any stride. Only for a validated layout.
  var isContiguous: Bool {
    var expected = 1
    for (size, stride) in zip(shape, strides).reversed() where size != 1 {
      if stride != expected { return false }
      expected *= size
    }
    return true
  }

  /// Gathers the elements in row-major order, for a validated layout only.
  ///
  /// - Parameter bytes: The packed elements of the whole storage.
  func gather(_ type: StoredType, from bytes: UnsafeRawBufferPointer) -> [Float] {
    let count = self.count
    if count == 0 { return [] }
    if isContiguous {
      let start = offset * type.byteCount
      return type.floats(
        from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count * type.byteCount)]))
    }
    // A dimension of size one is never stepped along, and its stride was not bounded.
    let moving = zip(shape, strides).filter { $0.0 != 1 }
    let (shape, strides) = (moving.map(\.0), moving.map(\.1))
    return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      var index = [Int](repeating: 0, count: shape.count)
      var element = offset
      for position in 0..<count {
        buffer.initializeElement(at: position, to: type.float(at: element, in: bytes))
        // Count up like an odometer: the last dimension first, carrying leftwards.
        var dimension = shape.count - 1
        while dimension >= 0 {
          index[dimension] += 1
          element += strides[dimension]
          if index[dimension] < shape[dimension] { break }
          element -= shape[dimension] * strides[dimension]
          index[dimension] = 0
          dimension -= 1
        }
      }
      initialized = count
    }
  }
}
