// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// How a product reads the neighbourhoods of a K × K convolution: where they lie, in a band.
///
/// A band holds rows of the input's grid, each with what pads it on either side. Of each row a neighbourhood
/// is K · channels consecutive bytes, which neighbours share unless they are K apart. Products take the output in
/// pieces: some whole rows of it, or a part of one.
public struct BandLayout: Sendable {
  /// Edge of a neighbourhood, and what is between two: rows and columns of the grid.
  public let kernel, stride: Int
  /// Bytes of a position of the grid.
  public let channels: Int
  /// Positions of padding on every side: (K − 1) / 2, or none.
  public let padding: Int
  /// The input's extents, and the output's.
  public let grid, output: Extent
  /// Bytes from one row of the band to the next.
  public let pitch: Int
  /// Rows of the band.
  public let rows: Int
  /// Rows and columns of the output in the largest piece.
  public let lines, columns: Int
  /// What a product needs for the largest piece.
  public let productBytes: Int

  /// Bytes of the band.
  public var byteCount: Int { rows * pitch }

  /// The band of an input for an output.
  ///
  /// - Parameter strip: The most positions of a piece.
  public init(
    kernel: Int, stride: Int, channels: Int, isPadded: Bool = true, grid: Extent, output: Extent,
    strip: Int
  ) {
    (self.kernel, self.stride, self.channels) = (kernel, stride, channels)
    (self.grid, self.output) = (grid, output)
    padding = isPadded ? (kernel - 1) / 2 : 0
    let pieces = (output.width + strip - 1) / strip
    columns = (output.width + pieces - 1) / pieces
    lines = pieces > 1 ? 1 : min(output.height, max(1, strip / output.width))
    rows = (lines - 1) * stride + kernel
    // Behind the last neighbourhood a product reads on to a multiple of 4.
    pitch = ((grid.width + 2 * padding) * channels + 6 + 63) / 64 * 64
    let segment = (kernel * channels + 3) / 4 * 4
    productBytes = lvt_gemm_scratch_bytes(rows, (columns - 1) * stride * channels + segment)
  }

  /// The k of a matrix on neighbourhoods: K segments of K · channels, each filled to a multiple of 4; for K = 1
  /// the channels.
  public static func k(kernel: Int, channels: Int) -> Int {
    kernel == 1 ? channels : kernel * ((kernel * channels + 3) / 4 * 4)
  }
}
