// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// A colour for each class.
///
/// No two of the first 32 are alike: in CIELAB they are 27 or more apart, the first ones much more, and
/// none is close to grey, black or white. Classes from 32 on have them again.
public enum Palette {
  /// Red, green and blue, a byte each.
  private static let colours: [UInt32] = [
    0xE02020, 0x00FF00, 0x0000FF, 0x20C0E0, 0x808000, 0xFF20C0, 0x6080FF, 0x00FFC0,
    0xFFA0C0, 0x006040, 0xFFA000, 0x804020, 0x00A020, 0xC0E000, 0x8000C0, 0x604080,
    0xFFE0A0, 0xFF4080, 0xE080FF, 0x80A0E0, 0xFF00FF, 0xA0E0A0, 0xA02080, 0xFFA080,
    0x00FF80, 0x206000, 0xFFE060, 0x00FFFF, 0xA02040, 0x0040E0, 0xA0FF60, 0xE06000,
  ]

  /// How many colours there are.
  public static let count = colours.count

  /// The colour of a class.
  ///
  /// - Parameter classIndex: At least 0.
  public static func colour(of classIndex: Int) -> RGB {
    let colour = colours[classIndex % colours.count]
    return RGB(
      red: UInt8(colour >> 16), green: UInt8(colour >> 8 & 0xFF), blue: UInt8(colour & 0xFF))
  }

  /// Black or white, whichever is legible on a colour, by its luma.
  static func text(on colour: RGB) -> RGB {
    let luma = 299 * Int(colour.red) + 587 * Int(colour.green) + 114 * Int(colour.blue)
    let level: UInt8 = luma > 128_000 ? 0 : 255
    return RGB(red: level, green: level, blue: level)
  }
}
