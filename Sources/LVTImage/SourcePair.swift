// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// Two rows of a picture as RGB, or the last one: where they are if they are that already, else converted.
struct SourcePair {
  private let source: ImageView
  private let columns: Range<Int>
  private let memory: UnsafeMutableRawPointer

  /// What kernels may read behind a converted row.
  private static let spareBytes = 16

  /// - Parameters:
  ///   - columns: Pixels of a row, from an even one on.
  ///   - memory: ``byteCount(_:columns:)`` bytes.
  init(_ source: ImageView, columns: Range<Int>, memory: UnsafeMutableRawPointer) {
    self.source = source
    self.columns = columns
    self.memory = memory
  }

  /// Bytes that two converted rows take.
  static func byteCount(_ source: ImageView, columns: Range<Int>) -> Int {
    source.format == .rgb8 ? 0 : 2 * pitch(columns)
  }

  private static func pitch(_ columns: Range<Int>) -> Int { 3 * columns.count + spareBytes }

  /// Makes means along rows read row `first` and the next.
  func read(from first: Int, by means: inout lvt_resample_row_args, _ kernels: lvt_kernels) {
    means.rows = min(2, source.height - first)
    if source.format == .rgb8 {
      means.in = source.rgb(row: first, columns: columns, kernels: kernels, into: memory)
      means.in_stride = source.stride
      return
    }
    means.in = UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))
    means.in_stride = Self.pitch(columns)
    means.spare = Self.spareBytes
    for row in 0..<means.rows {
      _ = source.rgb(
        row: first + row, columns: columns, kernels: kernels,
        into: memory + row * means.in_stride)
    }
  }
}
