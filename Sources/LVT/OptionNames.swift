// SPDX-License-Identifier: Apache-2.0

/// The options of a command line, as its usage names them.
package struct OptionNames {
  private let names: [[UInt8]]

  /// The words of a usage that begin with `--`.
  package init(usage: String) {
    let parts = usage.utf8.split { byte in
      byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "[")
        || byte == UInt8(ascii: "]") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";")
        || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=")
    }
    names = parts.filter { $0.starts(with: "--".utf8) && $0.count > 2 }.map { Array($0) }
  }

  /// Whether a text is one of them.
  package func contains(_ text: String) -> Bool {
    names.contains { $0.elementsEqual(text.utf8) }
  }

  /// What is said of an option that is none of them, with the one that is spelt most like it if one is close.
  package func complaint(about text: String) -> String {
    let wanted = Array(text.utf8)
    var best: (name: [UInt8], distance: Int)?
    for name in names {
      let distance = Self.distance(wanted, name)
      if distance < best?.distance ?? (1 + wanted.count / 3) { best = (name, distance) }
    }
    let advice = best.map { "; did you mean \(String(decoding: $0.name, as: UTF8.self))?" } ?? ""
    return "unknown option '\(text)'" + advice
  }

  /// So many letters have to be put in, left out or changed (Levenshtein's distance).
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let changed = diagonal + (x == y ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(changed, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[b.count]
  }
}
