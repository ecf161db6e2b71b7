// SPDX-License-Identifier: Apache-2.0

/// The extent of a network's input picture in pixels.
public struct PictureSize: Equatable, Sendable {
  /// Pixels of a row.
  public let width: Int
  /// Rows.
  public let height: Int

  /// A size of at least one pixel.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// A square.
  public init(square edge: Int) { self.init(width: edge, height: edge) }

  /// Whether both edges are whole multiples of `unit`, at least one.
  func isMultiple(of unit: Int) -> Bool {
    width >= unit && height >= unit && width % unit == 0 && height % unit == 0
  }
}

extension PictureSize: CustomStringConvertible {
  /// `320×256`.
  public var description: String { "\(width)×\(height)" }
}
