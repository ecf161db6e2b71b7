// SPDX-License-Identifier: Apache-2.0

import CLVTV4L2
import LVTImage
import Testing

@testable import LVTCapture

struct CameraColourTests {
  /// Colour space, encoding and quantization in V4L2's numbers.
  @Test(arguments: [
    (0, 0, 0, ColourMatrix.bt601, ColourRange.limited),  // nothing is said
    (1, 0, 0, .bt601, .limited),  // SMPTE 170M
    (3, 0, 0, .bt709, .limited),  // Rec. 709
    (7, 0, 0, .bt601, .full),  // JPEG
    (8, 0, 0, .bt601, .limited),  // sRGB, as of most webcams
    (8, 2, 0, .bt709, .limited),  // the encoding's word counts
    (3, 1, 0, .bt601, .limited),
    (3, 0, 1, .bt709, .full),  // and the quantization's
    (7, 0, 2, .bt601, .limited),
    (10, 0, 0, .bt709, .limited),  // BT.2020
  ])
  func driversWordIsObeyed(
    space: Int, encoding: Int, quantization: Int, matrix: ColourMatrix, range: ColourRange
  ) {
    let colours = lvt_camera_colours_of(UInt32(space), UInt32(encoding), UInt32(quantization))
    #expect(ColourEncoding(colours) == ColourEncoding(matrix: matrix, range: range))
  }
}
