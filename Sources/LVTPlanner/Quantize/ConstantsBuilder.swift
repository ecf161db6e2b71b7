// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

/// Collects a plan's constants, each on a 64-byte boundary.
struct ConstantsBuilder {
  private(set) var bytes: [UInt8] = []

  /// Reserves zeroed bytes and returns their offset.
  private mutating func reserve(_ count: Int) -> Int {
    let offset = (bytes.count + 63) / 64 * 64
    bytes += [UInt8](repeating: 0, count: offset + count - bytes.count)
    return offset
  }

  /// Floats, padded with zeros to whole blocks of 16.
  mutating func append(_ values: [Float]) -> Int {
    let offset = reserve(Shape.blocks(values.count) * Shape.block * 4)
    values.withUnsafeBytes { source in
      bytes.withUnsafeMutableBytes { $0[offset...].copyBytes(from: source) }
    }
    return offset
  }

  /// Integers, padded with zeros to whole blocks of 16.
  mutating func append(_ values: [Int32]) -> Int {
    append(values.map { Float(bitPattern: UInt32(bitPattern: $0)) })
  }

  /// Integers, padded with zeros to a multiple of 64 bytes.
  mutating func append(_ values: [Int16]) -> Int {
    let padded = values + [Int16](repeating: 0, count: values.count % 2)
    return append(
      stride(from: 0, to: padded.count, by: 2).map {
        Int32(padded[$0 + 1]) << 16 | Int32(UInt16(bitPattern: padded[$0]))
      })
  }

  /// A table of 256 entries for q = −128 … 127.
  mutating func append(table: [Int8]) -> Int {
    precondition(table.count == 256)
    let offset = reserve(256)
    for (i, value) in table.enumerated() { bytes[offset + i] = UInt8(bitPattern: value) }
    return offset
  }

  /// Packs a matrix in panels of 16 outputs.
  ///
  /// - Parameters:
  ///   - multipliers: s_in · s_w / s_out of each output.
  ///   - inputZeroPoint: What zero is in the input; folded into the bias.
  mutating func append(
    _ matrix: QuantizedMatrix, multipliers: [Float], inputZeroPoint: Int, outputZeroPoint: Int,
    lowerBound: Int
  ) -> PackedMatrix {
    var packed = PackedMatrix()
    packed.k = matrix.inputs
    packed.n = matrix.outputs
    packed.outputZeroPoint = outputZeroPoint
    packed.lowerBound = lowerBound
    packed.offset = reserve(packed.byteCount)
    bytes.withUnsafeMutableBytes { bytes in
      matrix.weights.withUnsafeBufferPointer { weights in
        matrix.bias.withUnsafeBufferPointer { bias in
          multipliers.withUnsafeBufferPointer { multipliers in
            guard let base = bytes.baseAddress, let weights = weights.baseAddress,
              let bias = bias.baseAddress, let multipliers = multipliers.baseAddress
            else { return }
            for panel in 0..<packed.panelCount {
              let first = panel * Shape.block
              let address = base + packed.offset + panel * packed.panelBytes
              lvt_pack_panel(
                address.assumingMemoryBound(to: lvt_panel.self), weights + first * matrix.inputs,
                matrix.inputs, matrix.inputs, min(Shape.block, matrix.outputs - first),
                bias + first, multipliers + first, Int32(inputZeroPoint))
            }
          }
        }
      }
    }
    return packed
  }
}
