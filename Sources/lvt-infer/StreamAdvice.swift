// SPDX-License-Identifier: Apache-2.0
internal import LVTCapture

extension CaptureError {
  /// The description, and what can be done about a stream that is not what was expected.
  var advised: String {
    let decode = "ffmpeg -i - -pix_fmt yuv420p -f yuv4mpegpipe -"
    switch self {
    case .wrongStream(.jpeg, _), .wrongStream(.y4m, _):
      return "\(description); leave out --raw and --yuv420"
    case .wrongStream(.text, _):
      return "\(description); see what the program before the pipe says"
    case .wrongStream(.gzip, _): return "\(description); put gzip -dc before it"
    case .wrongStream, .unsupportedY4M:
      return "\(description); put a decoder before it, as in \(decode)"
    case .unknownStream: return "\(description); raw frames need --raw and --size"
    case .coloursOfJPEG: return "\(description); leave out --color"
    default: return description
    }
  }
}
