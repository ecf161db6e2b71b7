// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport
import Testing

@testable import LVTPlanner

@Suite struct LabelFileTests {
  @Test(arguments: [
    "a\nb c\nd", "a\r\nb c\r\nd\r\n", "a\rb c\rd\r", "\u{FEFF}a\r\n b c \n\td\n\n\n",
  ])
  func linesEndAsOnAnySystem(text: String) throws {
    #expect(try LabelFile.lines(of: text, file: "f") == ["a", "b c", "d"])
  }

  @Test func emptyLinesBetweenNamesCount() throws {
    #expect(try LabelFile.lines(of: "\r\n\r\nb", file: "f") == ["", "", "b"])
    #expect(try LabelFile.lines(of: "", file: "f") == [])
  }

  @Test func longLineIsNamed() {
    let text = "a\n" + String(repeating: "é", count: 101)
    #expect(
      message { () throws(ImportError) in _ = try LabelFile.lines(of: text, file: "f") }
        == "f: expected a label of at most 200 bytes in line 2, found one of 202")
  }

  @Test func otherBytesAreRefused() {
    let fault = message { () throws(ImportError) in
      _ = try LabelFile.read(path: fixtures + "/import/images.idx.gz")
    }
    #expect(fault?.contains("expected text in UTF-8") == true)
  }
}
