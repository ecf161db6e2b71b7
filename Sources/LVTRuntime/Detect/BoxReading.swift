// SPDX-License-Identifier: Apache-2.0
package import LVTModel

extension BoxReading {
  /// Where a region goes next: moved by the offsets of its likeliest class.
  ///
  /// - Parameter said: Logits, then offsets.
  package func refined(
    _ box: SIMD4<Float>, _ said: UnsafePointer<Float>, _ decoder: BoxDecoder
  ) -> SIMD4<Float> {
    var best = 0
    for k in 1..<max(1, classes) where said[k] > said[best] { best = k }
    return self.box(box, ofClass: best, said, decoder)
  }

  /// The region moved by the offsets of a class.
  package func box(
    _ box: SIMD4<Float>, ofClass k: Int, _ said: UnsafePointer<Float>, _ decoder: BoxDecoder
  ) -> SIMD4<Float> {
    let offsets = said + classes + 1 + (isAgnostic ? 0 : 4 * k)
    return decoder.box(box, offsets: SIMD4(offsets[0], offsets[1], offsets[2], offsets[3]))
  }
}
