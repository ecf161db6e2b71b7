// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LVTPlanner

@Suite struct XMLScannerTests {
  @Test func elementsAndTextsComeInOrder() throws {
    let text = """
      \u{FEFF}<?xml version="1.0"?><!-- <no> -->
      <a b="1 > 0" c='/>'>x &lt;&#65;&#x42;<b/><c  d="e" /><d><![CDATA[<&]]></d></a >

      """
    #expect(
      try events(text) == [
        .start("a"), .text("x <AB"), .start("b"), .end, .start("c"), .end, .start("d"),
        .text("<&"), .end, .end,
      ])
  }

  @Test(arguments: [
    ("<a></b>", "at byte 5: expected the end of 'a', found 'b>'"),
    ("<a><b></a>", "at byte 8: expected the end of 'b', found 'a>'"),
    ("<a>", "expected the end of 'a', found the end after 3 bytes"),
    ("", "expected an element, found the end after 0 bytes"),
    ("x<a/>", "at byte 0: expected an element, found 'x<a/>'"),
    ("<a/><b/>", "expected one outermost element"),
    ("<a b='>", "at byte 6: expected ''' to come, found '>'"),
    ("<a b", "expected the end of a tag, found the end of the file"),
    ("<a <b>", "expected the end of a tag, found '<b>'"),
    ("< a/>", "expected the name of an element"),
    ("<a>&e;</a>", "at byte 3: expected a character such as &amp; or &#38;, found '&e;</a>'"),
    ("<a>&#0;</a>", "expected a character"), ("<a>&#xD800;</a>", "expected a character"),
    ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "at byte 1: expected the name of an element"),
    ("<a>\u{0}</a>", "expected XML in UTF-8, found other bytes"),
  ])
  func otherFilesAreRefused(text: String, expected: String) {
    let fault = message { () throws(ImportError) in _ = try events(text) }
    #expect(fault?.contains(expected) == true, "\(fault ?? "no fault")")
  }

  @Test func bytesThatAreNoUTF8AreRefused() {
    let fault = message { () throws(ImportError) in
      _ = try XMLScanner(file([0x3C, 0xFF, 0x3E]))
    }
    #expect(fault == "test: expected XML in UTF-8, found other bytes")
  }

  private func events(_ text: String) throws(ImportError) -> [XMLScanner.Event] {
    var scanner = try XMLScanner(file(Array(text.utf8)))
    var events: [XMLScanner.Event] = []
    while let event = try scanner.next() { events.append(event) }
    return events
  }
}
