// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import CLVTV4L2
internal import LVTImage

/// A camera that is open and not yet started.
final class CameraDevice {
  private(set) var descriptor: Int32
  let name: String

  init(path: String) throws(CaptureError) {
    var name = [CChar](repeating: 0, count: Int(LVT_CAMERA_NAME))
    descriptor = lvt_camera_open(path, &name)
    self.name = cameraText(name)
    if descriptor < 0 { throw Self.error(descriptor) }
  }

  deinit { lvt_close(descriptor) }

  /// The descriptor, which is then the caller's to close.
  func keep() -> Int32 {
    defer { descriptor = -1 }
    return descriptor
  }

  /// What the camera offers, by its codes.
  var formats: [(code: UInt32, description: String)] {
    var formats: [(code: UInt32, description: String)] = []
    var code: UInt32 = 0
    var text = [CChar](repeating: 0, count: Int(LVT_CAMERA_NAME))
    // A driver that never ends its list is not followed for ever.
    while formats.count < 256,
      lvt_camera_format_at(descriptor, UInt32(formats.count), &code, &text) == 0
    {
      formats.append((code: code, description: cameraText(text)))
    }
    return formats
  }

  /// Sets the format that is asked for, or of those that cost least the first that the driver gives
  /// in the size asked for; the answer is the driver's.
  func negotiate(_ request: CameraRequest) throws(CaptureError) -> lvt_camera_format {
    var wanted = lvt_camera_format()
    wanted.width = UInt32(clamping: request.width)
    wanted.height = UInt32(clamping: request.height)
    let offered = formats.map { $0.code }
    let candidates =
      request.encoding.map { [CameraCode.code($0)] }
      ?? CameraCode.all.map { $0.code }.filter { offered.contains($0) }
    guard !candidates.isEmpty else {
      let names = offered.map { CameraCode.text($0) }.joined(separator: ", ")
      throw .camera(reason: "none of the camera's formats is supported: \(names)")
    }
    var first: UInt32?
    for code in candidates {
      guard let answer = try set(code, wanted) else { continue }
      if answer.code == code, answer.width == wanted.width, answer.height == wanted.height {
        return answer
      }
      if first == nil, CameraCode.encoding(answer.code) != nil { first = code }
    }
    guard let answer = try set(first ?? candidates[0], wanted) else {
      let names = candidates.map { CameraCode.text($0) }.joined(separator: ", ")
      let others = offered.map { CameraCode.text($0) }.joined(separator: ", ")
      throw .camera(reason: "the camera refuses \(names); it offers \(others)")
    }
    return answer
  }

  /// Sets a format; nil if the driver refuses it rather than answer with another.
  private func set(
    _ code: UInt32, _ wanted: lvt_camera_format
  ) throws(CaptureError) -> lvt_camera_format? {
    var format = wanted
    format.code = code
    let status = lvt_camera_set_format(descriptor, &format)
    // EINVAL, which `open` gives for a device without pictures.
    if lvt_camera_error_of(status) == LVT_CAMERA_NO_PICTURES { return nil }
    guard status == 0 else { throw Self.error(status) }
    return format
  }

  /// A negative errno in words.
  static func error(_ status: Int32) -> CaptureError {
    switch lvt_camera_error_of(status) {
    case LVT_CAMERA_MISSING: .camera(reason: "there is no such camera")
    case LVT_CAMERA_NOT_ONE: .camera(reason: "not a camera")
    case LVT_CAMERA_NO_PICTURES:
      .camera(reason: "a video device that gives no pictures, or only in separate planes")
    case LVT_CAMERA_BUSY: .camera(reason: "the camera is in use by another program")
    case LVT_CAMERA_GONE: .camera(reason: "the camera was unplugged")
    case LVT_CAMERA_SILENT: .camera(reason: "the camera gives no pictures")
    default: .camera(reason: String(cString: lvt_error_text(status)))
    }
  }

  /// Whether a queue is only empty.
  static func isNothingYet(_ status: Int32) -> Bool {
    lvt_camera_error_of(status) == LVT_CAMERA_NOTHING_YET
  }
}

/// V4L2's codes of the formats that are read, cheapest first: pixels before what must be decoded, and
/// grey last, since it lacks the colours.
enum CameraCode {
  static let all: [(code: UInt32, encoding: FrameEncoding, name: String)] = [
    (of("RGB3"), .pixels(.rgb8), "rgb24"), (of("BGR3"), .pixels(.bgr8), "bgr24"),
    (of("XB24"), .pixels(.rgba8), "rgba"), (of("AB24"), .pixels(.rgba8), "rgba"),
    (of("XR24"), .pixels(.bgra8), "bgra"), (of("AR24"), .pixels(.bgra8), "bgra"),
    (of("NV12"), .pixels(.nv12), "nv12"), (of("NV21"), .pixels(.nv21), "nv21"),
    (of("YU12"), .pixels(.yu12), "yu12"), (of("YUYV"), .pixels(.yuyv), "yuyv"),
    (of("UYVY"), .pixels(.uyvy), "uyvy"),
    (of("MJPG"), .jpeg, "mjpeg"), (of("JPEG"), .jpeg, "mjpeg"),
    (of("GREY"), .pixels(.gray8), "grey"),
  ]

  static func encoding(_ code: UInt32) -> FrameEncoding? {
    all.first { $0.code == code }?.encoding
  }

  static func code(_ encoding: FrameEncoding) -> UInt32 {
    all.first { $0.encoding == encoding }?.code ?? 0
  }

  /// `YUYV`, whatever bytes a driver sends.
  static func text(_ code: UInt32) -> String {
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: code >> (8 * UInt32($0))) }
    return String(decoding: bytes.map { (0x20..<0x7F).contains($0) ? $0 : 0x3F }, as: UTF8.self)
  }

  private static func of(_ text: StaticString) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(text.utf8Start[$1]) << (8 * UInt32($1)) }
  }
}

extension FrameEncoding {
  /// The encoding that a command line names, as in `yuyv`; nil for another name.
  public init?(name: String) {
    guard let known = CameraCode.all.first(where: { $0.name == name }) else { return nil }
    self = known.encoding
  }

  /// The name as a command line has it.
  public var name: String { CameraCode.all.first { $0.encoding == self }?.name ?? "" }

  /// All names, those of pixels first.
  public static let names = [
    "yuyv", "uyvy", "nv12", "nv21", "yu12", "rgb24", "bgr24", "rgba", "bgra", "grey",
    "mjpeg",
  ]
}

extension ColourEncoding {
  /// What a driver says of its luma and chroma.
  init(_ colours: lvt_camera_colours) {
    self.init(
      matrix: colours.is_bt709 ? .bt709 : .bt601, range: colours.is_full_range ? .full : .limited)
  }
}

/// What a camera is and offers.
public struct CameraListing: Sendable {
  /// As in `/dev/video0`.
  public let path: String
  /// The camera's own name.
  public let name: String
  /// As in `YUYV (YUYV 4:2:2)`, the driver's words in parentheses.
  public let formats: [String]

  /// The cameras of `/dev`.
  public static func all() -> [CameraListing] {
    var found: [CameraListing] = []
    for number in 0..<64 {
      let path = "/dev/video\(number)"
      do throws(CaptureError) {
        let device = try CameraDevice(path: path)
        let formats = device.formats.map { "\(CameraCode.text($0.code)) (\($0.description))" }
        found.append(CameraListing(path: path, name: device.name, formats: formats))
      } catch { continue }
    }
    return found
  }
}

/// The text of a C array, control characters replaced.
private func cameraText(_ characters: [CChar]) -> String {
  let bytes = characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
  return String(decoding: bytes.map { $0 < 0x20 || $0 == 0x7F ? 0x3F : $0 }, as: UTF8.self)
}
