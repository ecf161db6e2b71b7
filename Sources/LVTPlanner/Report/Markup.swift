// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT

/// A piece of a page, well-formed as XML and as HTML.
///
/// What is put into a literal is escaped, unless it is a piece itself: `"<td>\(label)</td>"` is safe for any
/// label.
struct Markup: ExpressibleByStringInterpolation, Sendable {
  let source: String

  init(stringLiteral source: String) { self.source = source }

  init(stringInterpolation: StringInterpolation) { source = stringInterpolation.source }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var source = ""

    init(literalCapacity: Int, interpolationCount: Int) { source.reserveCapacity(literalCapacity) }

    mutating func appendLiteral(_ literal: String) { source += literal }

    mutating func appendInterpolation(_ text: String) {
      for character in terminalText(text).unicodeScalars {
        switch character {
        case "&": source += "&amp;"
        case "<": source += "&lt;"
        case ">": source += "&gt;"
        case "\"": source += "&quot;"
        case "'": source += "&#39;"
        default: source.unicodeScalars.append(character)
        }
      }
    }

    mutating func appendInterpolation(_ number: Int) { source += String(number) }

    mutating func appendInterpolation(_ piece: Markup) { source += piece.source }

    /// The pieces one after the other.
    mutating func appendInterpolation(_ pieces: [Markup]) {
      for piece in pieces { source += piece.source }
    }
  }

  /// A table that may be wider than the page.
  ///
  /// - Parameters:
  ///   - id: Its name in the page.
  ///   - headings: Of the columns; the first is a row's own.
  ///   - texts: How many of the columns after the first hold text, not numbers.
  ///   - rows: Cells, as many as headings.
  static func table(_ id: String, _ headings: [String], texts: Int = 0, _ rows: [[Markup]])
    -> Markup
  {
    func cell(_ tag: Markup, _ column: Int, _ content: Markup) -> Markup {
      column <= texts
        ? "<\(tag)>\(content)</\(tag)>" : "<\(tag) class=\"number\">\(content)</\(tag)>"
    }
    let head = headings.enumerated().map { cell("th", $0, "\($1)") }
    let body = rows.map { row -> Markup in
      "<tr>\(row.enumerated().map { cell("td", $0, $1) })</tr>\n"
    }
    return """
      <div class="wide"><table id="\(id)"><thead><tr>\(head)</tr></thead>
      <tbody>\(body)</tbody></table></div>

      """
  }
}

/// A number as a coordinate of a drawing.
func coordinate(_ value: Double) -> String { fixed(value, 2) }

/// `93.41 %`, which no line ends in, or a dash for nil.
func percent(_ share: Double?, _ decimals: Int = 2) -> String {
  share.map { fixed(100 * $0, decimals) + "\u{A0}%" } ?? "–"
}
