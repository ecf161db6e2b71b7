// SPDX-License-Identifier: Apache-2.0

/// How a picture becomes the network's input.
///
/// The pixels' mean and deviation are not here: they are folded into the first step's weights.
public struct InputSpec: Equatable, Sendable {
  /// The filter between the picture's pixels and the input's, as PIL defines it (with antialiasing).
  public enum Interpolation: UInt32, Sendable {
    /// Triangle filter.
    case bilinear = 0
    /// Cubic filter with a = −0.5.
    case bicubic = 1
  }

  /// Pixels of a row.
  public var width: Int
  /// Rows.
  public var height: Int
  /// The centred part of the picture that is used, 0 < cropFraction ≤ 1.
  ///
  /// At 1 the whole picture is resized to the input whatever its proportions; below 1 it keeps
  /// them, is resized until it just covers ⌊width / cropFraction⌋ × ⌊height / cropFraction⌋, and the
  /// centre is cut out.
  public var cropFraction: Double
  /// The filter.
  public var interpolation: Interpolation

  /// An input specification.
  public init(
    width: Int, height: Int, cropFraction: Double = 1, interpolation: Interpolation = .bilinear
  ) {
    self.width = width
    self.height = height
    self.cropFraction = cropFraction
    self.interpolation = interpolation
  }
}
