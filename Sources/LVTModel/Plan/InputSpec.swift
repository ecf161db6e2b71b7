// SPDX-License-Identifier: Apache-2.0

/// How a picture becomes the network's input.
///
/// The pixels' mean and deviation are not here: they are folded into the first step's weights.
public struct InputSpec: Equatable, Sendable {
  /// What is done where a picture has other proportions than the input.
  public enum Fit: Equatable, Sendable {
    /// The whole picture is resized to the input and loses its proportions.
    case stretch
    /// The picture is resized until it just covers ⌊width / fraction⌋ × ⌊height / fraction⌋, and the
    /// centre is the input; 0 < fraction ≤ 1.
    case crop(fraction: Double)
    /// The picture is resized until it just fits into the input, and the rest of the input, to the right
    /// or below, is padding.
    ///
    /// The factor is the lesser of input width / picture width and input height / picture height. A side
    /// becomes ⌊side · factor + 1/2⌋, at least 1, as mmcv's `imrescale` has it.
    case letterbox(padding: RGB)
  }

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
  /// How the picture's proportions become the input's.
  public var fit: Fit
  /// The filter.
  public var interpolation: Interpolation

  /// An input specification.
  public init(
    width: Int, height: Int, fit: Fit = .stretch, interpolation: Interpolation = .bilinear
  ) {
    self.width = width
    self.height = height
    self.fit = fit
    self.interpolation = interpolation
  }
}
