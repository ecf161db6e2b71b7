// SPDX-License-Identifier: Apache-2.0

/// What a stream of bytes is by its first ones.
///
/// Each kind is known by so much that raw frames do not begin with it by chance: dark pixels are zeros,
/// as the start codes of H.264 are, and grey ones may be the sync byte of MPEG-TS.
public enum StreamKind: Equatable, Sendable, CaseIterable {
  case jpeg, y4m
  case png, gif, bmp, tiff, webp, pnm, heif, pdf
  case h264, h265, mpegVideo, mpegTS, mpegPS
  case mp4, matroska, avi, wav, flv, ogg, ivf
  case gzip, archive, multipart, text

  /// Bytes after which more of them do not make a kind better known.
  static let window = 4096

  /// As in "an H.264 stream".
  public var name: String {
    switch self {
    case .jpeg: "a JPEG"
    case .y4m: "a Y4M stream"
    case .png: "a PNG"
    case .gif: "a GIF"
    case .bmp: "a BMP"
    case .tiff: "a TIFF"
    case .webp: "a WebP picture"
    case .pnm: "a PPM, PGM or PBM picture"
    case .heif: "a HEIF picture, such as HEIC or AVIF"
    case .pdf: "a PDF"
    case .h264: "an H.264 stream"
    case .h265: "an H.265 stream"
    case .mpegVideo: "an MPEG-1, -2 or -4 video stream"
    case .mpegTS: "an MPEG transport stream"
    case .mpegPS: "an MPEG program stream"
    case .mp4: "an MP4 or QuickTime file"
    case .matroska: "a Matroska or WebM file"
    case .avi: "an AVI file"
    case .wav: "a WAV file"
    case .flv: "an FLV file"
    case .ogg: "an Ogg file"
    case .ivf: "an IVF file"
    case .gzip: "a gzip file"
    case .archive: "a compressed file or an archive"
    case .multipart: "JPEGs with the headers of HTTP between them"
    case .text: "text"
    }
  }

  /// Whether JPEGs may follow that are meant: Motion JPEG in an AVI file, and behind the headers of HTTP.
  var mayHoldJPEGs: Bool { self == .avi || self == .multipart || self == .text }

  /// Whether it holds a picture that other programs make a JPEG of.
  var isPicture: Bool {
    switch self {
    case .png, .gif, .bmp, .tiff, .webp, .heif, .pdf: true
    default: false
    }
  }

  /// The kind of a stream.
  ///
  /// - Parameters:
  ///   - bytes: The first bytes, of which no more than ``window`` are looked at.
  ///   - isAll: Whether no more are to be expected; text is only known then.
  ///   - mayBePixels: Whether they may be pixels as well.
  init?(_ bytes: UnsafeRawBufferPointer, isAll: Bool, mayBePixels: Bool) {
    let start = StreamBytes(bytes: UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.window)))
    guard let kind = Self.allCases.first(where: { $0.begins(start) }) else { return nil }
    if kind == .text {
      guard isAll || bytes.count >= Self.window, !mayBePixels || start.hasLines else { return nil }
    }
    self = kind
  }

  private func begins(_ start: StreamBytes) -> Bool {
    switch self {
    case .jpeg: start.isJPEG
    case .y4m: start.has("YUV4MPEG2 ")
    case .png: start.has([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    case .gif: start.has("GIF87a") || start.has("GIF89a")
    case .bmp: start.isBMP
    case .tiff: start.isTIFF
    case .webp: start.has("RIFF") && start.has("WEBP", at: 8)
    case .pnm: start.isPNM
    case .heif: start.isHEIF
    case .pdf: start.has("%PDF-")
    case .h264: start.isH264
    case .h265: start.isH265
    case .mpegVideo: start.isMPEGVideo
    case .mpegTS: start.isMPEGTS
    case .mpegPS: start.isMPEGPS
    case .mp4: start.isMP4
    case .matroska:
      start.has([0x1A, 0x45, 0xDF, 0xA3]) && (start.find("webm") || start.find("matroska"))
    case .avi: start.has("RIFF") && start.has("AVI ", at: 8)
    case .wav: start.has("RIFF") && start.has("WAVE", at: 8)
    case .flv: start.has("FLV\u{1}") && start.has([0, 0, 0, 9], at: 5)
    case .ogg: start.has("OggS\0\u{2}")
    case .ivf: start.has("DKIF\0\0 \0")
    case .gzip: start.isGzip
    case .archive: start.isArchive
    case .multipart: start.has("--") && (start.find("Content-") || start.find("content-"))
    case .text: start.isText
    }
  }
}
