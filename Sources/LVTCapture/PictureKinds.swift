// SPDX-License-Identifier: Apache-2.0

/// The kinds of picture files that a program reads.
public enum PictureKinds: Equatable, Sendable {
  /// What this module decodes by itself.
  case jpegAndPNM
  /// PNGs as well, by a ``PictureDecoder/PNGReader``.
  case withPNG

  /// Endings of the files' names in lower case, by which they are found in folders.
  public var endings: [String] {
    switch self {
    case .jpegAndPNM: [".jpg", ".jpeg", ".ppm", ".pgm"]
    case .withPNG: [".jpg", ".jpeg", ".png", ".ppm", ".pgm"]
    }
  }

  /// As in "expected a JPEG, PPM or PGM".
  var text: String {
    switch self {
    case .jpegAndPNM: "a JPEG, PPM or PGM"
    case .withPNG: "a JPEG, PNG, PPM or PGM"
    }
  }
}
