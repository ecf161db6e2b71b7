// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// Why a picture or its place in memory was refused.
public enum ImageError: Error, Equatable, Sendable {
  /// A side is not 1 … 65535 pixels.
  case size(width: Int, height: Int)
  /// Rows are closer together than they are long.
  case stride(least: Int, found: Int)
  /// Fewer bytes than the rows cover.
  case bytes(least: Int, found: Int)
  /// The place for the result is not exactly as large as the result.
  case output(expected: Int, found: Int)
  /// No picture can be made to fit the input as it is specified.
  case input(InputSpec)
  /// The system refused the memory.
  case outOfMemory(bytes: Int)
}

extension ImageError: CustomStringConvertible {
  /// One line: what was expected and what was found.
  public var description: String {
    switch self {
    case .size(let width, let height):
      "a picture of \(width)×\(height) pixels; sides of 1 ... \(ImageView.longestSide) are possible"
    case .stride(let least, let found): "rows \(found) bytes apart, but each has \(least) bytes"
    case .bytes(let least, let found): "a picture of \(least) bytes in memory of \(found)"
    case .output(let expected, let found):
      "the input has \(expected) bytes, but the memory for it \(found)"
    case .input(let spec):
      if case .crop(let fraction) = spec.fit {
        "an input of \(spec.width)×\(spec.height) cut from \(fraction) of a picture is not possible"
      } else {
        "an input of \(spec.width)×\(spec.height); sides of 1 ... \(Framing.limit) are possible"
      }
    case .outOfMemory(let bytes): "no memory for \(bytes) bytes"
    }
  }
}
