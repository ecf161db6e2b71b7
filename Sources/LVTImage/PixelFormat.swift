// SPDX-License-Identifier: Apache-2.0

/// How the bytes of a picture are its pixels.
public enum PixelFormat: Equatable, Sendable {
  /// Red, green and blue, a byte each.
  case rgb8
  /// One byte; resized, it becomes red, green and blue alike.
  case gray8

  /// Bytes of a row of `width` pixels, without what may lie between rows.
  public func rowBytes(width: Int) -> Int {
    switch self {
    case .rgb8: 3 * width
    case .gray8: width
    }
  }
}
