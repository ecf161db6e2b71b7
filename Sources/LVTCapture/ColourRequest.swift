// SPDX-License-Identifier: Apache-2.0
public import LVTImage

/// What is known of a stream's luma and chroma beside what the stream says; nil leaves it to the stream.
public struct ColourRequest: Equatable, Sendable {
  /// How they relate to colours.
  public var matrix: ColourMatrix?
  /// Which bytes stand for black and white.
  public var range: ColourRange?

  /// Nothing.
  public init() {}

  /// As a command line says it: `bt601` or `bt709`, `limited` or `full`, or one of each with a comma
  /// between them; nil for other text.
  public init?(text: String) {
    for word in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      switch String(decoding: word, as: UTF8.self) {
      case "bt601" where matrix == nil: matrix = .bt601
      case "bt709" where matrix == nil: matrix = .bt709
      case "limited" where range == nil: range = .limited
      case "full" where range == nil: range = .full
      default: return nil
      }
    }
  }

  /// Whether nothing is known.
  var isEmpty: Bool { matrix == nil && range == nil }

  /// An encoding with what is known in its place.
  public func over(_ encoding: ColourEncoding) -> ColourEncoding {
    ColourEncoding(matrix: matrix ?? encoding.matrix, range: range ?? encoding.range)
  }
}
