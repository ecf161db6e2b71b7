// SPDX-License-Identifier: Apache-2.0

import LVTImage
import Testing

struct ImageViewTests {
  /// The error that a view of `count` bytes meets.
  private func fault(
    _ format: PixelFormat = .rgb8, width: Int, height: Int, stride: Int? = nil, count: Int
  ) -> ImageError? {
    let bytes = [UInt8](repeating: 0, count: count)
    return bytes.withUnsafeBytes { bytes in
      do throws(ImageError) {
        _ = try ImageView(
          format: format, width: width, height: height, stride: stride, bytes: bytes)
        return nil
      } catch {
        return error
      }
    }
  }

  @Test func lastRowNeedsNoPadding() {
    #expect(fault(width: 5, height: 4, stride: 16, count: 63) == nil)
    #expect(fault(width: 5, height: 4, stride: 16, count: 62) == .bytes(least: 63, found: 62))
    #expect(fault(.gray8, width: 5, height: 4, count: 20) == nil)
    #expect(fault(.gray8, width: 5, height: 4, count: 19) == .bytes(least: 20, found: 19))
  }

  @Test func rowsMustNotOverlap() {
    #expect(fault(width: 5, height: 4, stride: 14, count: 99) == .stride(least: 15, found: 14))
    #expect(fault(width: 5, height: 4, stride: -15, count: 99) == .stride(least: 15, found: -15))
  }

  @Test(arguments: [(0, 1), (1, 0), (-3, 2), (65536, 1), (1, 65536), (Int.max, Int.max)])
  func sideOutOfRangeIsRefused(width: Int, height: Int) {
    #expect(
      fault(width: width, height: height, count: 9) == .size(width: width, height: height))
  }

  @Test func strideThatOverflowsIsRefused() {
    #expect(
      fault(width: 1, height: 65535, stride: .max, count: 9) == .size(width: 1, height: 65535))
    #expect(fault(width: 1, height: 2, stride: .max, count: 9) == .size(width: 1, height: 2))
  }

  @Test func imageKeepsItsMemoryForSmallerPictures() throws {
    let image = try Image(width: 40, height: 30)
    let base = image.withPixels { $0.baseAddress }
    #expect(image.bytes.allSatisfy { $0 == 0 })
    for (width, height) in [(30, 40), (1, 2)] {
      try image.reshape(width: width, height: height)
      image.withPixels {
        #expect($0.baseAddress == base)
        #expect($0.count == width * height * 3)
      }
    }
    #expect(throws: ImageError.size(width: 0, height: 2)) { try image.reshape(width: 0, height: 2) }
    #expect(image.width == 1 && image.height == 2)
  }
}
