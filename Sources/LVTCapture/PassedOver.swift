// SPDX-License-Identifier: Apache-2.0

/// What folders hold besides pictures: files by the endings of their names, and folders.
struct PassedOver {
  private var files: [(kind: String, count: Int)] = []
  private var folders = 0

  /// Counts a file by its name's ending, in lower case.
  ///
  /// An ending is at most 8 letters and digits; what a file may be called is anyone's choice.
  mutating func addFile(named name: [UInt8]) {
    let ending = name.lastIndex(of: UInt8(ascii: ".")).map { name[$0...] } ?? []
    let isKnown =
      (2...9).contains(ending.count) && ending.startIndex > 0
      && ending.dropFirst().allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
      }
    add(isKnown ? String(decoding: ending, as: UTF8.self) : "other", 1)
  }

  /// Counts a file of a kind that is no ending.
  mutating func addFile(_ kind: String) { add(kind, 1) }

  mutating func addFolder() { folders += 1 }

  /// Counts what another folder holds.
  mutating func add(_ other: PassedOver) {
    for each in other.files { add(each.kind, each.count) }
    folders += other.folders
  }

  private mutating func add(_ kind: String, _ count: Int) {
    if let known = files.firstIndex(where: { $0.kind.utf8.elementsEqual(kind.utf8) }) {
      files[known].count += count
    } else {
      files.append((kind, count))
    }
  }

  /// `3 files: 2 .webp, 1 .txt; 1 folder`, the most of a kind first; nil if there is nothing.
  var text: String? {
    var parts: [String] = []
    let sorted = files.sorted {
      $0.count != $1.count
        ? $0.count > $1.count : $0.kind.utf8.lexicographicallyPrecedes($1.kind.utf8)
    }
    let all = sorted.reduce(0) { $0 + $1.count }, shown = sorted.prefix(5)
    if all > 0 {
      var kinds = shown.map { "\($0.count) \($0.kind)" }
      let more = all - shown.reduce(0) { $0 + $1.count }
      if more > 0 { kinds.append("\(more) more") }
      parts.append("\(all) file\(all == 1 ? "" : "s"): " + kinds.joined(separator: ", "))
    }
    if folders > 0 { parts.append("\(folders) folder\(folders == 1 ? "" : "s")") }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }
}
