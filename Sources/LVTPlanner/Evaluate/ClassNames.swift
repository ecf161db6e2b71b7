// SPDX-License-Identifier: Apache-2.0
internal import LVT

/// The classes of a network, found by name.
struct ClassNames {
  /// The names, in the order of the classes.
  let names: [String]
  private let indices: [String: Int]
  private var unknown: [String] = []

  /// Of two classes with one name the first is found.
  init(_ names: [String]) {
    self.names = names
    indices = Dictionary(zip(names, names.indices)) { first, _ in first }
  }

  /// The class of that name; nil, which is kept in mind, if there is none.
  mutating func index(of name: String) -> Int? {
    if let index = indices[name] { return index }
    if !unknown.contains(name), unknown.count < 10 { unknown.append(name) }
    return nil
  }

  /// Throws if there was a name that is no class.
  func check(file: String) throws(ImportError) {
    guard unknown.isEmpty else {
      throw .missing(
        file: file, expected: "objects of the network's classes \(Self.list(names))",
        found: "ones of \(Self.list(unknown))")
    }
  }

  /// The first few names.
  private static func list(_ names: [String]) -> String {
    let first = names.prefix(5).map { "'\(terminalText($0, limit: 20))'" }
    return first.joined(separator: ", ") + (names.count > first.count ? " …" : "")
  }
}
