// SPDX-License-Identifier: Apache-2.0

/// How far the windows of an attention are shifted over a map, and where the padding of a map that does not
/// cut into whole windows lies.
///
/// A map is rolled, so that its first rows and columns follow the last ones, and cut into windows. Positions
/// from either side of the seam do not see each other.
public struct WindowShift: Equatable, Sendable {
  /// Which comes first, where a map does not cut into whole windows.
  public enum Order: UInt32, Sendable {
    /// The padding is part of what is rolled, as in the published code of Swin.
    case padThenRoll = 0
    /// The map alone is rolled; the padding stays behind its end, as in timm.
    case rollThenPad = 1
  }

  /// By how many rows and columns windows start later; less than a window.
  public var rows = 0, columns = 0
  /// Whether padding is rolled.
  public var order = Order.padThenRoll

  /// No shift.
  public init() {}

  /// A shift.
  public init(rows: Int, columns: Int, order: Order) {
    self.rows = rows
    self.columns = columns
    self.order = order
  }
}

extension WindowShift: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&rows)
    try c.index(&columns)
    try c.choice(&order, "order of padding and shift", "0 or 1")
  }
}

/// The rows, or the columns, of a map that is cut into windows.
public struct WindowAxis: Sendable {
  /// Rows of the map.
  public let extent: Int
  /// Rows of all windows: the map's, and what pads them to whole windows.
  public let covered: Int
  private let shift: Int
  private let order: WindowShift.Order

  /// The axis of a map of `extent` rows under windows of `window`.
  public init(extent: Int, window: Int, shift: Int, order: WindowShift.Order) {
    self.extent = extent
    covered = (extent + window - 1) / window * window
    self.shift = shift
    self.order = order
  }

  /// The row of the map that lies at a place of the rolled and padded axis, 0 ..< ``covered``; nil for
  /// padding.
  public func row(at place: Int) -> Int? {
    switch order {
    case .padThenRoll:
      let row = place + shift < covered ? place + shift : place + shift - covered
      return row < extent ? row : nil
    case .rollThenPad:
      guard place < extent else { return nil }
      return (place + shift) % extent
    }
  }

  /// Whether a place lies behind the seam: it does not see the places of its window that lie before it.
  public func isBehindSeam(_ place: Int) -> Bool { place >= covered - shift }
}
