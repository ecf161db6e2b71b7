// SPDX-License-Identifier: Apache-2.0
import LVTImage
import LVTModel

@testable import LVTCapture

extension Fuzzer {
  /// The input is a JPEG.
  static let jpegs = Fuzzer(
    name: "jpegs", summary: "JPEGs, progressive and arithmetic-coded ones, and Exif data",
    longest: 8192,
    seeds: {
      let pictures = try repositoryFiles(in: "Tests/Fixtures/image", endingIn: [".jpg"])
      // "Exif", a TIFF directory of either byte order with one entry: orientation 6.
      let little: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0]
      let big: [UInt8] = [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6]
      let exif = [little, big].map { tiff in
        var picture = pictures[0]
        var segment: [UInt8] = [0xFF, 0xE1, 0, 36] + Array("Exif".utf8)
        segment += [0, 0] + tiff + [UInt8](repeating: 0, count: 8)
        picture.insert(contentsOf: segment, at: 2)
        return picture
      }
      return pictures + exif
    },
    run: { input in
      guard claimedPixels(input) <= 1 << 18 else { return }
      do {
        let decoder = try JPEGDecoder()
        let first = try pixels(of: decoder.decode(input))
        // A decoder goes from picture to picture.
        guard try pixels(of: decoder.decode(input)) == first else {
          throw Finding(description: "a picture that is another one when it is decoded again")
        }
      } catch let error as CaptureError { _ = error.description }
    })

  /// The largest size of any frame header, so that large pictures are not decoded.
  private static func claimedPixels(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard bytes.count > 8 else { return 0 }
    var most = 0
    for i in 0..<bytes.count - 8 where bytes[i] == 0xFF && bytes[i + 1] & 0xF0 == 0xC0 {
      let height = Int(bytes[i + 5]) << 8 | Int(bytes[i + 6])
      let width = Int(bytes[i + 7]) << 8 | Int(bytes[i + 8])
      most = max(most, width * height)
    }
    return most
  }

  /// A picture's pixels, and those of the input that it becomes.
  private static func pixels(of image: Image) throws -> [UInt8] {
    let resizer = try Resizer(
      spec: InputSpec(width: 16, height: 12, fit: .crop(fraction: 0.8), interpolation: .bicubic))
    var input = [UInt8](repeating: 0, count: 3 * 16 * 12)
    try input.withUnsafeMutableBytes { try resizer.resize(image, into: $0) }
    return input + image.withPixels { Array($0) }
  }
}
