// SPDX-License-Identifier: Apache-2.0
package import LVTModel

/// From an anchor and its offsets to a box in pixels of the input.
///
/// mmdetection's DeltaXYWHBBoxCoder and AnchorGenerator: the centre of the anchors of row y and column x is
/// (x · stride, y · stride).
package struct BoxDecoder {
  private let head: Detect
  private let limits: SIMD4<Float>

  /// The greatest magnitude of a side's offset: ln(1000 / 16).
  private static let sideLimit: Float = 4.135166556742356

  /// A decoder for an input of so many pixels.
  package init(_ head: Detect, width: Int, height: Int) {
    self.head = head
    limits = SIMD4(Float(width), Float(height), Float(width), Float(height))
  }

  /// Left, top, right and bottom edge, none outside the input.
  ///
  /// - Parameters:
  ///   - index: The anchor's place in its level, which has `columns` columns.
  ///   - offsets: x, y, width, height.
  package func box(
    level: Int, columns: Int, index: Int, offsets: SIMD4<Float>
  ) -> SIMD4<Float> {
    let position = index / head.anchors.count, anchor = head.anchors[index % head.anchors.count]
    let stride = Float(head.strides[level])
    let x = Float(position % columns) * stride, y = Float(position / columns) * stride
    let (width, height) = (anchor.width * stride, anchor.height * stride)
    let delta = offsets * head.deviations + head.means
    let centreX = x + width * delta.x, centreY = y + height * delta.y
    let halfWidth = width * scale(delta.z) / 2, halfHeight = height * scale(delta.w) / 2
    let box = SIMD4(
      centreX - halfWidth, centreY - halfHeight, centreX + halfWidth, centreY + halfHeight)
    return pointwiseMin(pointwiseMax(box, SIMD4(repeating: 0)), limits)
  }

  private func scale(_ offset: Float) -> Float {
    Float(exponential(Double(max(-Self.sideLimit, min(Self.sideLimit, offset)))))
  }
}
