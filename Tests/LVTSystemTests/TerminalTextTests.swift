// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import Testing

@Suite struct TerminalTextTests {
  @Test func ordinaryTextIsItself() {
    for text in ["", "T-shirt/top", "a\"b\\c'", "Füße, 日本, עברית, 👩‍🚀 👍🏽", "e\u{301}"] {
      #expect(terminalText(text) == text)
    }
  }

  @Test func whatCouldGarbleALineIsEscaped() {
    #expect(terminalText("a\u{1B}[31mb\r\nc\u{7F}") == #"a\u{1b}[31mb\u{d}\u{a}c\u{7f}"#)
    for value in Array(UInt32(0)...0x1F) + Array(0x7F...0x9F) + Array(0x202A...0x202E)
      + Array(0x2066...0x2069) + [0x2028, 0x2029, 0x200B, 0x200F, 0xFEFF, 0xE000, 0xE0041]
    {
      let scalar = Unicode.Scalar(value)
      #expect(
        scalar.map { terminalText("x\($0)y") } == "x\\u{\(String(value, radix: 16))}y", "\(value)")
    }
  }

  /// The runtime has no Unicode tables; Foundation's say whether our own ranges miss any.
  @Test func everyControlAndFormatCharacterButJoinersIsEscaped() {
    var missed: [UInt32] = []
    for value in UInt32(0)..<0x11_0000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator, .privateUse:
        if terminalText(String(scalar)) == String(scalar) { missed.append(value) }
      case .format
      where scalar.properties.isDefaultIgnorableCodePoint && !(0x200C...0x200D ~= value):
        if terminalText(String(scalar)) == String(scalar) { missed.append(value) }
      default: break
      }
    }
    #expect(missed.isEmpty, "\(missed.map { String($0, radix: 16) })")
  }

  @Test func longTextIsCut() {
    #expect(terminalText("abcdef", limit: 3) == "abc…")
    #expect(terminalText("abc", limit: 3) == "abc")
  }
}
