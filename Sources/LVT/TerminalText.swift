// SPDX-License-Identifier: Apache-2.0

/// Text that came from a file, fit for one line of a terminal.
///
/// What could break or garble the line is escaped, as `\u{1b}`: control characters, line separators, overrides
/// of the direction of writing, invisible and private characters; bytes of a path that are no UTF-8, as `\xff`. JSON takes ``jsonText(_:)``.
///
/// - Parameter limit: So many characters are shown at most, then `…`.
public func terminalText(_ text: String, limit: Int = .max) -> String {
  var bytes: [UInt8] = []
  var count = 0
  for scalar in text.unicodeScalars {
    if count >= limit {
      bytes += Array("…".utf8)
      break
    }
    count += 1
    if scalar.value >= 0x10FF80 {  // a byte that is no UTF-8
      bytes += Array("\\x\(String(scalar.value & 0xFF, radix: 16))".utf8)
    } else if isHarmful(scalar.value) {
      bytes += Array("\\u{\(String(scalar.value, radix: 16))}".utf8)
    } else {
      bytes += Array(String(scalar).utf8)
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// Ranges of what is escaped, in order.
///
/// A table of our own, since Unicode's are large for a program on a
/// board; joiners, which words and emoji are written with, are left.
private let harmful: [ClosedRange<UInt32>] = [
  0x00...0x1F, 0x7F...0x9F, 0xAD...0xAD, 0x61C...0x61C, 0x180E...0x180E, 0x200B...0x200B,
  0x200E...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xE000...0xF8FF, 0xFEFF...0xFEFF,
  0xFFF0...0xFFFB, 0xFFFE...0xFFFF, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A, 0xE0000...0x10FFFF,
]

private func isHarmful(_ scalar: UInt32) -> Bool {
  for range in harmful where scalar >= range.lowerBound {
    if scalar <= range.upperBound { return true }
  }
  return false
}
