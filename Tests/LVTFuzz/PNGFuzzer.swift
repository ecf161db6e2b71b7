// SPDX-License-Identifier: Apache-2.0
import LVTImage
import LVTPlanner

@testable import LVTCapture

extension Fuzzer {
  /// The input is a PNG, whose checksums are mended: libpng reads no chunk without.
  static let pngs = Fuzzer(
    name: "pngs", summary: "PNGs of all kinds of pixels, and their Exif data", longest: 8192,
    seeds: { try repositoryFiles(in: "Tests/Fixtures/image", endingIn: [".png"]) },
    run: { input in
      let bytes = withRightChecksums(Array(input))
      // Sizes that are claimed: large pictures are not decoded.
      let claimed = bytes.dropFirst(16).prefix(8).map { Int($0) }
      guard claimed.count == 8, claimed[0] == 0, claimed[1] == 0, claimed[4] == 0, claimed[5] == 0,
        (claimed[2] << 8 | claimed[3]) * (claimed[6] << 8 | claimed[7]) <= 1 << 18
      else { return }
      do throws(CaptureError) {
        let first = try decode(bytes), second = try decode(bytes)
        guard first.pixels == second.pixels, first.exif == second.exif else {
          throw CaptureError.empty
        }
      } catch {
        if case .empty = error { throw Finding(description: "another picture the second time") }
        guard !error.description.contains(where: \.isNewline) else {
          throw Finding(description: "an error of several lines: \(error.description)")
        }
      }
    })

  private static func decode(
    _ bytes: [UInt8]
  ) throws(CaptureError) -> (pixels: [UInt8], exif: [UInt8]) {
    let result: Result<(pixels: [UInt8], exif: [UInt8]), CaptureError> = bytes.withUnsafeBytes {
      bytes in
      do throws(CaptureError) {
        let (image, exif) = try PNGPicture.decode(bytes)
        let upright = exif.withUnsafeBytes { ExifOrientation(exif: $0) }
        guard let image = try? upright.upright(image) else { throw CaptureError.outOfMemory }
        return .success((image.withPixels { Array($0) }, exif))
      } catch { return .failure(error) }
    }
    return try result.get()
  }
}
