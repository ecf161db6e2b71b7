// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

extension ImageView {
  /// Some pixels of a row as RGB: where they are if they are that already, else converted into
  /// `memory`.
  ///
  /// - Parameters:
  ///   - columns: Pixels of the row, from an even one on.
  ///   - memory: Three bytes for each of them.
  func rgb(
    row y: Int, columns: Range<Int>, kernels: lvt_kernels, into memory: UnsafeMutableRawPointer
  ) -> UnsafePointer<UInt8> {
    let x = columns.lowerBound
    let luma = row(y).assumingMemoryBound(to: UInt8.self)
    let rgb = memory.assumingMemoryBound(to: UInt8.self)
    /// Converts from the first samples of the row's first pixel.
    func convert(
      _ y: UnsafePointer<UInt8>, _ u: UnsafePointer<UInt8>, _ v: UnsafePointer<UInt8>,
      lumaStep: Int, chromaStep: Int
    ) {
      var row = lvt_yuv_rgb_args()
      row.y = y + x * lumaStep
      row.u = u + x / 2 * chromaStep
      row.v = v + x / 2 * chromaStep
      row.y_step = lumaStep
      row.chroma_step = chromaStep
      row.width = columns.count
      row.matrix = colour.coefficients
      row.rgb = rgb
      kernels.yuv_rgb_u8(&row)
    }
    /// Takes the colours of pixels of so many bytes from where they are in each.
    func order(step: Int, red: UInt8, green: UInt8, blue: UInt8) {
      var row = lvt_packed_rgb_args()
      row.in = luma + x * step
      row.step = step
      (row.red, row.green, row.blue) = (red, green, blue)
      row.width = columns.count
      row.rgb = rgb
      kernels.packed_rgb_u8(&row)
    }
    // Behind the rows of luma.
    let chroma = (base + height * stride).assumingMemoryBound(to: UInt8.self)
    switch format {
    case .rgb8: return luma + 3 * x
    case .bgr8: order(step: 3, red: 2, green: 1, blue: 0)
    case .rgba8: order(step: 4, red: 0, green: 1, blue: 2)
    case .bgra8: order(step: 4, red: 2, green: 1, blue: 0)
    case .gray8: order(step: 1, red: 0, green: 0, blue: 0)
    case .yuyv: convert(luma, luma + 1, luma + 3, lumaStep: 2, chromaStep: 4)
    case .uyvy: convert(luma + 1, luma, luma + 2, lumaStep: 2, chromaStep: 4)
    case .nv12:
      let pairs = chroma + y / 2 * stride
      convert(luma, pairs, pairs + 1, lumaStep: 1, chromaStep: 2)
    case .nv21:
      let pairs = chroma + y / 2 * stride
      convert(luma, pairs + 1, pairs, lumaStep: 1, chromaStep: 2)
    case .yu12:
      let step = (stride - 1) / 2 + 1, plane = (height + 1) / 2 * step
      let u = chroma + y / 2 * step
      convert(luma, u, u + plane, lumaStep: 1, chromaStep: 1)
    }
    return UnsafePointer(rgb)
  }
}

extension ColourEncoding {
  /// In units of 2^-13, to the nearest.
  ///
  /// With the luma weights Kr, Kg and Kb of the matrix's standard, red is Y + 2 (1 - Kr) V, blue is
  /// Y + 2 (1 - Kb) U, and green Y - (Kb · 2 (1 - Kb) U + Kr · 2 (1 - Kr) V) / Kg; limited samples are
  /// stretched by 255 / 219 and 255 / 224.
  fileprivate var coefficients: lvt_yuv_matrix {
    switch (matrix, range) {
    case (.bt601, .limited):
      lvt_yuv_matrix(
        luma_offset: 16, luma: 9539, red_v: 13075, green_u: -3209, green_v: -6660, blue_u: 16525)
    case (.bt601, .full):
      lvt_yuv_matrix(
        luma_offset: 0, luma: 8192, red_v: 11485, green_u: -2819, green_v: -5850, blue_u: 14516)
    case (.bt709, .limited):
      lvt_yuv_matrix(
        luma_offset: 16, luma: 9539, red_v: 14686, green_u: -1747, green_v: -4366, blue_u: 17305)
    case (.bt709, .full):
      lvt_yuv_matrix(
        luma_offset: 0, luma: 8192, red_v: 12901, green_u: -1535, green_v: -3835, blue_u: 15201)
    }
  }
}
