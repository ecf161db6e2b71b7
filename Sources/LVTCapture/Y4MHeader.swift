// SPDX-License-Identifier: Apache-2.0
internal import LVTImage

/// The first line of a Y4M stream: `YUV4MPEG2 W640 H480 F30:1 Ip C420jpeg XCOLORRANGE=LIMITED`.
///
/// Chroma's place between the pixels (420jpeg, 420mpeg2, 420paldv) makes no difference here: a sample
/// stands for its four pixels.
struct Y4MHeader {
  /// The longest line, of the stream's and of a frame's.
  static let longest = 1024

  let layout: FrameLayout

  /// - Parameters:
  ///   - line: Without its end.
  ///   - colour: What is known beside it.
  /// - Throws: ``CaptureError/y4m(reason:)``, ``CaptureError/unsupportedY4M(reason:)``, and what
  ///   ``FrameLayout`` throws.
  init(
    _ line: Slice<UnsafeRawBufferPointer>, colour request: ColourRequest
  ) throws(CaptureError) {
    var width: Int?, height: Int?
    var format = PixelFormat.yu12
    var range = ColourRange.limited
    for field in line.split(separator: UInt8(ascii: " ")).dropFirst() {
      guard let kind = field.first else { continue }
      let value = String(decoding: field.dropFirst(), as: UTF8.self)
      switch kind {
      case UInt8(ascii: "W"): width = try Self.side(value)
      case UInt8(ascii: "H"): height = try Self.side(value)
      case UInt8(ascii: "C"): format = try Self.format(value)
      case UInt8(ascii: "I"): try Self.checkInterlacing(value)
      case UInt8(ascii: "X"):
        if value == "COLORRANGE=FULL" { range = .full }
      default: break  // the rate, the pixels' shape
      }
    }
    guard let width, let height else { throw .y4m(reason: "without a width and a height") }
    let video = ColourEncoding.ofVideo(width: width, height: height)
    layout = try FrameLayout(
      format: format, width: width, height: height,
      colour: request.over(ColourEncoding(matrix: video.matrix, range: range)))
  }

  private static func side(_ text: String) throws(CaptureError) -> Int {
    guard text.utf8.count <= 6, let side = Int(text), (1...ImageView.longestSide).contains(side)
    else {
      throw .y4m(reason: "with a side that is not 1 ... \(ImageView.longestSide)")
    }
    return side
  }

  private static func format(_ text: String) throws(CaptureError) -> PixelFormat {
    switch text {
    case "420", "420jpeg", "420mpeg2", "420paldv": return .yu12
    case "mono": return .gray8
    default:
      throw .unsupportedY4M(
        reason: "its colours are expected to be C420, C420jpeg, C420mpeg2, C420paldv or Cmono")
    }
  }

  private static func checkInterlacing(_ text: String) throws(CaptureError) {
    switch text {
    case "p", "?": return
    default: throw .unsupportedY4M(reason: "its frames are interlaced, expected Ip")
    }
  }
}
