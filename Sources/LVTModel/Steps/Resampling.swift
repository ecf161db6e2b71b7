// SPDX-License-Identifier: Apache-2.0

/// How a map is read on a grid of other extents.
public enum Resampling: UInt32, Sendable {
  /// As it is: the grid is the map's.
  case none = 0
  /// The nearest position at or before: ⌊i · n / m⌋ for place i of m on an axis of n.
  case nearest = 1
  /// Between two positions of each axis, which is also PyTorch's `interpolate` without aligned corners and
  /// without antialiasing.
  case bilinear = 2
}

/// Where the places of a grid read one axis of a map.
///
/// A place i of m reads position `first` with weight 128 − `weight` and the one behind it with `weight`, in
/// 128ths. Between positions it lies at `s = max(0, (i + 1/2) · n / m − 1/2)`; the weight is its fraction,
/// rounded to the nearest, halves up.
public struct ResampledAxis: Sendable {
  /// A place's positions: `first` and the next one, which weighs nothing at the axis' end.
  public struct Place: Equatable, Sendable {
    /// The position before the place.
    public let first: Int32
    /// The share of the next position in 128ths, 0 … 127.
    public let weight: Int32
  }

  private let extent: Int
  private let grid: Int
  private let resampling: Resampling

  /// An axis of `extent` positions, read at `grid` places; both at most 2¹⁴.
  public init(extent: Int, grid: Int, _ resampling: Resampling) {
    self.extent = extent
    self.grid = grid
    self.resampling = resampling
  }

  /// What a place reads.
  public subscript(place: Int) -> Place {
    switch resampling {
    case .none: return Place(first: Int32(place), weight: 0)
    case .nearest: return Place(first: Int32(place * extent / grid), weight: 0)
    case .bilinear:
      let numerator = max(0, (2 * place + 1) * extent - grid)
      var (first, rest) = numerator.quotientAndRemainder(dividingBy: 2 * grid)
      var weight = (rest * 128 + grid) / (2 * grid)
      if weight == 128 { (first, weight) = (first + 1, 0) }
      return first >= extent - 1
        ? Place(first: Int32(extent - 1), weight: 0)
        : Place(first: Int32(first), weight: Int32(weight))
    }
  }
}

/// The rows and columns of a grid.
public struct Extent: Equatable, Sendable {
  /// Rows.
  public var height = 0
  /// Columns.
  public var width = 0

  /// No grid.
  public init() {}

  /// A grid.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// The grid of a map.
  public init(of shape: Shape) { self.init(height: shape.height, width: shape.width) }

  /// Places of the grid.
  public var positions: Int { height * width }
}

extension Extent: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&height)
    try c.index(&width)
  }
}

extension Extent: CustomStringConvertible {
  /// `56×56`.
  public var description: String { "\(height)×\(width)" }
}
