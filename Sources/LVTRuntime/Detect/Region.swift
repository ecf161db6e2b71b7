// SPDX-License-Identifier: Apache-2.0

/// A box in which an object may be; better is what has the greater logit, of equals the one of the finer level,
/// of those the one that comes first.
package struct Region: Comparable {
  /// Left, top, right and bottom edge in pixels of the input.
  package let box: SIMD4<Float>
  /// That of the anchor.
  package let logit: Float
  /// The anchor's place in its level: row, column, anchor.
  package let index: Int32

  /// A region.
  package init(box: SIMD4<Float>, logit: Float, index: Int32) {
    self.box = box
    self.logit = logit
    self.index = index
  }

  package static func < (a: Region, b: Region) -> Bool {
    a.logit != b.logit ? a.logit > b.logit : a.index < b.index
  }

  /// Whether it has an area; what has none is no region.
  package var hasArea: Bool { box.z > box.x && box.w > box.y }
}
