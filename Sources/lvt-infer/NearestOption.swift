// SPDX-License-Identifier: Apache-2.0

extension Arguments {
  /// All options, as the usage names them.
  static var options: [String] {
    let parts = usage.utf8.split { byte in
      byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "[")
        || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";")
    }
    return parts.filter { $0.starts(with: "--".utf8) && $0.count > 3 }
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// The option that is spelt most like a text; nil if none is close.
  static func nearest(to text: String) -> String? {
    let wanted = Array(text.utf8)
    var best: (option: String, distance: Int)?
    for option in options {
      let distance = distance(wanted, Array(option.utf8))
      if distance < best?.distance ?? (1 + wanted.count / 3) { best = (option, distance) }
    }
    return best?.option
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
