// SPDX-License-Identifier: Apache-2.0

/// A stream's first bytes, and the marks in them that formats have.
struct StreamBytes {
  let bytes: UnsafeRawBufferPointer

  /// Whether bytes lie somewhere.
  func has(_ mark: [UInt8], at offset: Int = 0) -> Bool {
    bytes.count >= offset + mark.count && bytes[offset..<offset + mark.count].elementsEqual(mark)
  }

  /// Whether ASCII text lies somewhere.
  func has(_ mark: StaticString, at offset: Int = 0) -> Bool {
    guard bytes.count >= offset + mark.utf8CodeUnitCount else { return false }
    return (0..<mark.utf8CodeUnitCount).allSatisfy { bytes[offset + $0] == mark.utf8Start[$0] }
  }

  /// Whether ASCII text lies in the first bytes.
  func find(_ mark: StaticString) -> Bool {
    (0..<min(256, bytes.count)).contains { has(mark, at: $0) }
  }

  /// An unsigned number, the last byte last; nil outside the bytes.
  private func number(at offset: Int, count: Int) -> Int? {
    guard offset + count <= bytes.count else { return nil }
    return bytes[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) }
  }

  private func isZero(_ range: Range<Int>) -> Bool {
    range.upperBound <= bytes.count && bytes[range].allSatisfy { $0 == 0 }
  }

  // MARK: Pictures

  /// A start marker and a whole segment, behind which there is another marker.
  var isJPEG: Bool {
    guard has([0xFF, 0xD8, 0xFF]), let code = number(at: 3, count: 1),
      code != 0xFF, JPEGMarker.mayBeFirst(UInt8(code)), let length = number(at: 4, count: 2),
      length >= 2
    else { return false }
    let next = 4 + length
    return next >= bytes.count ? next >= StreamKind.window : bytes[next] == 0xFF
  }

  var isBMP: Bool {
    guard has("BM"), isZero(6..<10), isZero(15..<18), let header = number(at: 14, count: 1) else {
      return false
    }
    return [12, 40, 52, 56, 64, 108, 124].contains(header)
  }

  /// The mark, and the offset of a directory.
  var isTIFF: Bool {
    guard let offset = number(at: 4, count: 4), let last = number(at: 4, count: 1) else {
      return false
    }
    return has([0x4D, 0x4D, 0, 0x2A]) && offset >= 8 && offset < 1 << 28
      || has([0x49, 0x49, 0x2A, 0]) && (last >= 8 || offset & 0xFF_FFFF != 0) && last % 2 == 0
  }

  /// The box of a name that files begin with, and the brand of a picture.
  var isHEIF: Bool {
    has("ftyp", at: 4)
      && (has("mif1", at: 8) || has("msf1", at: 8) || has("hei", at: 8) || has("hev", at: 8)
        || has("avif", at: 8) || has("avis", at: 8))
  }

  /// `P6 640 480`.
  var isPNM: Bool {
    guard has("P"), let kind = number(at: 1, count: 1), (0x31...0x36).contains(kind) else {
      return false
    }
    let words = bytes.prefix(64).split(omittingEmptySubsequences: true) {
      $0 == 0x20 || (0x09...0x0D).contains($0)
    }
    return words.count >= 3 && words[0].count == 2
      && words[1...2].allSatisfy { $0.count < 7 && $0.allSatisfy { (0x30...0x39).contains($0) } }
  }

  // MARK: Video

  /// Offsets of the first few units behind start codes (00 00 01) that begin with the stream.
  private var units: [Int] {
    let zeros = bytes.prefix { $0 == 0 }.count
    guard zeros == 2 || zeros == 3 else { return [] }
    var found: [Int] = [], at = 0
    while at + 4 <= min(1024, bytes.count), found.count < 8 {
      if has([0, 0, 1], at: at) {
        found.append(at + 3)
        at += 3
      } else if found.isEmpty && at > 0 {
        return []
      } else {
        at += 1
      }
    }
    return found
  }

  /// A sequence parameter set of a known profile and level, at most delimiters and messages before it,
  /// and a picture parameter set behind it.
  var isH264: Bool {
    var hasSequence = false
    for unit in units {
      switch bytes[unit] & 0x9F {
      case 6, 9: continue
      case 7:
        guard let profile = number(at: unit + 1, count: 1),
          let level = number(at: unit + 3, count: 1),
          [44, 66, 77, 83, 86, 88, 100, 110, 118, 122, 128, 138, 144, 244].contains(profile),
          (9...62).contains(level)
        else { return false }
        hasSequence = true
      case 8: return hasSequence
      default: return false
      }
    }
    return false
  }

  /// A video and a sequence parameter set, at most delimiters and messages before them.
  var isH265: Bool {
    var hasVideo = false
    for unit in units {
      guard let header = number(at: unit, count: 2) else { return false }
      switch header {
      case 0x4601, 0x4E01: continue  // delimiter, message
      case 0x4001: hasVideo = true
      case 0x4201: return hasVideo
      default: return false
      }
    }
    return false
  }

  /// A sequence header, or MPEG-4's, and what belongs behind it.
  var isMPEGVideo: Bool {
    let codes = units.map { bytes[$0] }
    guard codes.count >= 2 else { return false }
    switch codes[0] {
    case 0xB3: return [0xB2, 0xB5, 0xB8].contains(codes[1])
    case 0xB0: return codes[1] == 0xB5
    default: return false
    }
  }

  /// A pack header with its marker bits, and a start code behind it.
  var isMPEGPS: Bool {
    guard has([0, 0, 1, 0xBA]), bytes.count >= 18 else { return false }
    if bytes[4] & 0xC4 == 0x44 {
      return bytes[6] & 4 == 4 && bytes[8] & 4 == 4 && bytes[9] & 1 == 1 && bytes[12] & 3 == 3
        && has([0, 0, 1], at: 14 + Int(bytes[13] & 7))
    }
    return bytes[4] & 0xF1 == 0x21 && bytes[6] & 1 == 1 && bytes[8] & 1 == 1
      && has([0, 0, 1], at: 12)
  }

  /// Five packets in a row or more, from any byte of the first packet on, since a stream may be joined in its
  /// midst; with times of arrival between them (M2TS) too.
  var isMPEGTS: Bool {
    [188, 192].contains { pitch in (0..<pitch).contains { isMPEGTS(from: $0, pitch: pitch) } }
  }

  /// Sync bytes, headers without reserved values, and counters that count: rows of a picture that
  /// repeat do not.
  private func isMPEGTS(from first: Int, pitch: Int) -> Bool {
    var counters: [(program: Int, count: Int)] = [], counted = 0
    let packets = min(12, (bytes.count - first) / pitch)
    guard packets >= 5 else { return false }
    for packet in 0..<packets {
      let at = first + pitch * packet
      guard let header = number(at: at, count: 4), header >> 24 == 0x47,
        header >> 23 & 1 == 0, header >> 6 & 3 == 0, header >> 4 & 3 != 0
      else { return false }
      let program = header >> 8 & 0x1FFF, count = header & 15
      guard header >> 4 & 1 == 1, program != 0x1FFF else { continue }  // payload that counts
      if let known = counters.firstIndex(where: { $0.program == program }) {
        guard count == (counters[known].count + 1) & 15 else { return false }
        counters[known].count = count
        counted += 1
      } else {
        counters.append((program, count))
      }
    }
    return counted > 0
  }

  // MARK: Containers and others

  /// A box of a name that files begin with.
  var isMP4: Bool {
    guard let size = number(at: 0, count: 4) else { return false }
    // A brand is four characters.
    if has("ftyp", at: 4) {
      return (16..<4096).contains(size) && bytes.count >= 12
        && bytes[8..<12].allSatisfy { (0x20..<0x7F).contains($0) }
    }
    return size >= 8
      && (has("moov", at: 4) || has("mdat", at: 4) || has("wide", at: 4) || has("styp", at: 4))
  }

  /// The mark, deflate, no reserved flags, and the ends of the header.
  var isGzip: Bool {
    has([0x1F, 0x8B, 8]) && bytes.count >= 10 && bytes[3] < 32 && [0, 2, 4].contains(bytes[8])
      && (bytes[9] < 14 || bytes[9] == 255)
  }

  /// xz, bzip2, Zstandard or tar.
  var isArchive: Bool {
    has([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]) || has([0x28, 0xB5, 0x2F, 0xFD]) || has("ustar", at: 257)
      || has("BZh") && has([0x31, 0x41, 0x59, 0x26, 0x53, 0x59], at: 4)
  }

  /// Whether there are ends of lines, in UTF-16 too.
  ///
  /// Dark pixels may all be printable, but hardly those and this one without what lies between them.
  var hasLines: Bool { bytes.contains(0x0A) }

  /// UTF-8 that can be printed, or UTF-16 of such characters, with letters in it.
  var isText: Bool {
    if has([0xFF, 0xFE]) || has([0xFE, 0xFF]) {
      let zeros = bytes.dropFirst(2).enumerated().filter { $0.element == 0 }.map { $0.offset % 2 }
      return 3 * zeros.count > bytes.count && zeros.allSatisfy { $0 == zeros[0] }
    }
    var letters = 0, following = 0
    for byte in bytes {
      if following > 0 {
        guard byte & 0xC0 == 0x80 else { return false }
        following -= 1
        continue
      }
      switch byte {
      case 0x41...0x5A, 0x61...0x7A: letters += 1
      case 0x09, 0x0A, 0x0D, 0x1B, 0x20..<0x7F: break
      case 0xC2...0xDF: following = 1
      case 0xE0...0xEF: following = 2
      case 0xF0...0xF4: following = 3
      default: return false
      }
    }
    return letters > 0
  }
}

/// The second bytes of a JPEG's markers.
enum JPEGMarker {
  /// Whether it may be the first behind the start of a picture: tables, application data, comments,
  /// frame headers, and what fills up before one.
  static func mayBeFirst(_ code: UInt8) -> Bool {
    switch code {
    case 0xC0...0xC7, 0xC9...0xCF, 0xDB, 0xDD, 0xE0...0xEF, 0xFE, 0xFF: true
    default: false
    }
  }
}

/// `89 50 4E 47`.
func hexadecimal(_ bytes: UnsafeRawBufferPointer) -> String {
  let digits = Array("0123456789ABCDEF".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    if !text.isEmpty { text.append(UInt8(ascii: " ")) }
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}
