// SPDX-License-Identifier: Apache-2.0

/// A type of number that files store tensors in; the readers convert it to float32.
enum StoredType: Sendable {
  case float64, float32, float16, bfloat16
  case int64, int32, int16, int8, uint8, bool

  /// The size of one element in a file.
  var byteCount: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16, .bfloat16, .int16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// Converts packed little-endian elements.
  ///
  /// float64 and the wide integers are rounded to the nearest float32; a float64 that is too large
  /// becomes infinite. Any non-zero bool is 1.
  ///
  /// - Parameter bytes: A whole number of elements, at any alignment.
  func floats(from bytes: UnsafeRawBufferPointer) -> [Float] {
    let count = bytes.count / byteCount
    switch self {
    #if _endian(little)
    case .float32:
      return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes.prefix(count * 4)))
        initialized = count
      }
    #endif
    default:
      return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
        for index in 0..<count {
          buffer.initializeElement(at: index, to: float(at: index, in: bytes))
        }
        initialized = count
      }
    }
  }

  /// Converts the element with the given index in packed elements; `index` must be in range.
  @inline(__always)
  func float(at index: Int, in bytes: UnsafeRawBufferPointer) -> Float {
    func bits<Value: FixedWidthInteger>(_: Value.Type) -> Value {
      Value(
        littleEndian: bytes.loadUnaligned(
          fromByteOffset: index * MemoryLayout<Value>.size, as: Value.self))
    }
    return switch self {
    case .float64: Float(Double(bitPattern: bits(UInt64.self)))
    case .float32: Float(bitPattern: bits(UInt32.self))
    case .float16: Float(Float16(bitPattern: bits(UInt16.self)))
    case .bfloat16: Float(bitPattern: UInt32(bits(UInt16.self)) << 16)
    case .int64: Float(bits(Int64.self))
    case .int32: Float(bits(Int32.self))
    case .int16: Float(bits(Int16.self))
    case .int8: Float(bits(Int8.self))
    case .uint8: Float(bits(UInt8.self))
    case .bool: bits(UInt8.self) == 0 ? 0 : 1
    }
  }
}
