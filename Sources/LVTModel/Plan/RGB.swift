// SPDX-License-Identifier: Apache-2.0

/// A colour as a pixel has it.
public struct RGB: Equatable, Sendable {
  /// Shares of the three lights, 0 … 255.
  public var red, green, blue: UInt8

  /// A colour.
  public init(red: UInt8, green: UInt8, blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }
}

extension RGB {
  /// The colour nearest to a red, a green and a blue of 0 … 1, such as the mean of pixels.
  public init(nearestTo shares: [Float]) {
    precondition(shares.count == 3)
    func byte(_ share: Float) -> UInt8 { UInt8((255 * min(max(0, share), 1)).rounded()) }
    self.init(red: byte(shares[0]), green: byte(shares[1]), blue: byte(shares[2]))
  }
}

extension RGB {
  /// `#e02020`, as pages name colours.
  public var hexadecimalText: String { "#" + hexadecimal([red, green, blue]) }
}
