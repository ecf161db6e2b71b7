// SPDX-License-Identifier: Apache-2.0

/// How luma and chroma stand for colours.
public struct ColourEncoding: Equatable, Sendable {
  /// What share of each colour luma is, and what the differences of chroma are.
  public var matrix: ColourMatrix
  /// Which bytes stand for black and white.
  public var range: ColourRange

  /// An encoding; without arguments that of small video, BT.601 in the limited range.
  public init(matrix: ColourMatrix = .bt601, range: ColourRange = .limited) {
    self.matrix = matrix
    self.range = range
  }

  /// What video of a size has where nothing says otherwise: the limited range, and BT.709 from 1280
  /// columns or 720 rows on.
  public static func ofVideo(width: Int, height: Int) -> ColourEncoding {
    ColourEncoding(matrix: width >= 1280 || height >= 720 ? .bt709 : .bt601, range: .limited)
  }
}

/// A standard that relates luma and chroma to colours.
public enum ColourMatrix: Equatable, Sendable {
  /// ITU-R BT.601: luma is 0.299 red, 0.587 green and 0.114 blue. JPEG has it as well.
  case bt601
  /// ITU-R BT.709: luma is 0.2126 red, 0.7152 green and 0.0722 blue.
  case bt709
}

/// Which bytes stand for black and white in a picture of luma and chroma.
public enum ColourRange: Equatable, Sendable {
  /// Luma 16 … 235 and chroma 16 … 240, as cameras and video have them.
  case limited
  /// 0 … 255 for both, as JPEG has them.
  case full
}
