// SPDX-License-Identifier: Apache-2.0
package import LVTModel

/// The anchors of a level: at each position (x, y) some around (x · stride, y · stride).
///
/// mmdetection's AnchorGenerator.
package struct AnchorGrid {
  private let anchors: [Detect.Anchor]
  private let stride: Float
  private let columns: Int
  private let decoder: BoxDecoder

  /// The anchors of a level of so many columns.
  package init(
    _ anchors: [Detect.Anchor], stride: Int, columns: Int, _ decoder: BoxDecoder
  ) {
    self.anchors = anchors
    self.stride = Float(stride)
    self.columns = columns
    self.decoder = decoder
  }

  /// The box that offsets make of an anchor.
  ///
  /// - Parameter index: The anchor's place in its level: row, column, anchor.
  package func box(_ index: Int, offsets: SIMD4<Float>) -> SIMD4<Float> {
    let position = index / anchors.count, anchor = anchors[index % anchors.count]
    let place = SIMD2(Float(position % columns), Float(position / columns))
    return decoder.box(
      centre: place * stride, sides: SIMD2(anchor.width, anchor.height) * stride, offsets: offsets)
  }
}
