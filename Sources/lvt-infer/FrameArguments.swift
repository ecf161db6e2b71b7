// SPDX-License-Identifier: Apache-2.0
internal import LVT
internal import LVTCapture

/// What the command line says about frames.
extension Arguments {
  /// Recognises a stream, and options that have no meaning without one.
  mutating func chooseStream() throws(UsageError) {
    let isPipe = pictures.contains("-")
    if mode == .pictures, camera != nil || isPipe {
      guard pictures.count == (isPipe ? 1 : 0), camera == nil || !isPipe else {
        throw UsageError("expected one of a camera, '-' and pictures")
      }
      mode = .stream
      pictures = []
    }
    if camera == nil, rate != 0 || encoding != nil {
      throw UsageError("--fps and --format are for --camera")
    }
    if !isPipe, rawSize != nil || rawFormat != nil || allFrames {
      throw UsageError("--raw, --yuv420 and --all-frames are for frames from standard input, '-'")
    }
    if mode != .stream, frames != nil || savedFrame != nil || highestRate != nil || colour != nil {
      throw UsageError(
        "--frames, --max-fps, --save-frame and --color are for frames, of a camera or '-'")
    }
    if mode != .stream, page != PageArguments() {
      throw UsageError(
        "--serve, --listen, --token-file, --no-token and --host are for frames, of a camera or '-'")
    }
    try page.check()
    try checkRawFrames()
    var isOfJPEGs = mode == .pictures || mode == .stream && rawFormat == nil
    if case .evaluate = mode { isOfJPEGs = true }
    if orientation != nil, !isOfJPEGs { throw UsageError("--orientation is for JPEGs") }
  }

  /// Recognises raw frames, which have a size and a format.
  private mutating func checkRawFrames() throws(UsageError) {
    if let rawSize {
      guard rawFormat == nil, size == nil else {
        throw UsageError("--yuv420 names format and size; expected no --raw and no --size")
      }
      (rawFormat, size) = (.yu12, rawSize)
    }
    guard let rawFormat else {
      if stride != nil { throw UsageError("--stride is for raw frames, --raw or --yuv420") }
      if camera == nil, size != nil { throw UsageError("--size is for --camera and --raw") }
      return
    }
    guard let size else { throw UsageError("--raw: expected --size as in --size 640x480") }
    if colour != nil, !rawFormat.hasChroma {
      throw UsageError("--color is for frames of luma and chroma")
    }
    let row = rawFormat.rowBytes(width: size.width)
    if let stride, stride < row {
      throw UsageError("--stride: expected at least the \(row) bytes of a row, found \(stride)")
    }
  }

  /// How raw frames lie in the stream; nil where the stream says what it is.
  func layout() throws(CaptureError) -> FrameLayout? {
    guard let rawFormat, let size else { return nil }
    let video = ColourEncoding.ofVideo(width: size.width, height: size.height)
    return try FrameLayout(
      format: rawFormat, width: size.width, height: size.height, stride: stride,
      colour: colour?.over(video) ?? video)
  }

  /// What is to be said about rows that another program may have padded: rpicam-vid makes those of luma
  /// a multiple of 64 bytes.
  var strideHint: String? {
    guard let rawFormat, rawFormat.halvesRows, stride == nil, let width = size?.width else {
      return nil
    }
    let row = rawFormat.rowBytes(width: width), padded = (row + 63) / 64 * 64
    guard row != padded else { return nil }
    return "rows of \(row) bytes are expected one behind the other; where they are padded to "
      + "\(padded), as rpicam-vid does, add --stride \(padded)"
  }

  static func rawFormat(_ text: String?) throws(UsageError) -> PixelFormat {
    guard let text, case .pixels(let format)? = FrameEncoding(name: text) else {
      let names = FrameEncoding.names.filter { $0 != FrameEncoding.jpeg.name }
      throw UsageError(
        "--raw: expected one of \(names.joined(separator: ", ")), found '\(text ?? "nothing")'")
    }
    return format
  }

  static func colour(_ text: String?) throws(UsageError) -> ColourRequest {
    guard let text, let request = ColourRequest(text: text) else {
      throw UsageError(
        "--color: expected bt601 or bt709, limited or full, or both as in bt709,full, "
          + "found '\(text ?? "nothing")'")
    }
    return request
  }

  static func orientation(_ text: String?) throws(UsageError) -> OrientationPolicy {
    guard let policy = OrientationPolicy(rawValue: text ?? "") else {
      throw UsageError("--orientation: expected exif or ignore, found '\(text ?? "nothing")'")
    }
    return policy
  }
}
