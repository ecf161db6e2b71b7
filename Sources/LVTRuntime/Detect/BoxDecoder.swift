// SPDX-License-Identifier: Apache-2.0
package import LVTModel

/// From a box and its offsets to another box in pixels of the input.
package struct BoxDecoder {
  private let coder: BoxCoder
  private let limits: SIMD4<Float>

  /// The greatest magnitude of a side's offset: ln(1000 / 16).
  private static let sideLimit: Float = 4.135166556742356

  /// A decoder for an input of so many pixels.
  package init(_ coder: BoxCoder, picture: Extent) {
    self.coder = coder
    let (width, height) = (Float(picture.width), Float(picture.height))
    limits = SIMD4(width, height, width, height)
  }

  /// Left, top, right and bottom edge, none outside the input.
  ///
  /// - Parameters:
  ///   - centre: Of the box that is moved: x, y.
  ///   - sides: Its width and height.
  ///   - offsets: x, y, width, height.
  package func box(
    centre: SIMD2<Float>, sides: SIMD2<Float>, offsets: SIMD4<Float>
  ) -> SIMD4<Float> {
    let delta = offsets * coder.deviations + coder.means
    let centreX = centre.x + sides.x * delta.x, centreY = centre.y + sides.y * delta.y
    let halfWidth = sides.x * scale(delta.z) / 2, halfHeight = sides.y * scale(delta.w) / 2
    let box = SIMD4(
      centreX - halfWidth, centreY - halfHeight, centreX + halfWidth, centreY + halfHeight)
    return pointwiseMin(pointwiseMax(box, SIMD4(repeating: 0)), limits)
  }

  /// The same from a box's edges.
  package func box(_ edges: SIMD4<Float>, offsets: SIMD4<Float>) -> SIMD4<Float> {
    box(
      centre: (edges.lowHalf + edges.highHalf) * 0.5, sides: edges.highHalf - edges.lowHalf,
      offsets: offsets)
  }

  private func scale(_ offset: Float) -> Float {
    Float(exponential(Double(max(-Self.sideLimit, min(Self.sideLimit, offset)))))
  }
}
