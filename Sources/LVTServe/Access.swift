// SPDX-License-Identifier: Apache-2.0

/// Who may see a server's pages.
///
/// A page of another site that is open in the same browser may send requests here. It is kept out by the
/// names that requests are sent to, which it would have to point here (DNS rebinding), and by the origin
/// that browsers state.
public struct Access: Equatable, Sendable {
  /// What requests must know, or nil where everybody may see.
  public let token: String?
  /// Names of this machine beside its numeric addresses and `localhost`, in lower case.
  public let names: [String]

  /// Access with a token, and by names.
  public init(token: String?, names: [String] = []) {
    self.token = token
    self.names = names.map { Self.lower($0.utf8) }
  }

  /// Why a request is refused.
  enum Refusal: Equatable {
    /// The name that it was sent to is none of this machine.
    case host
    /// It comes from a page of another site.
    case origin
    /// It does not know the token.
    case token
  }

  /// Why a request is refused; nil if it is not.
  ///
  /// - Parameters:
  ///   - host: The Host header's value, as in `raspberrypi.local:8080`.
  ///   - origin: The Origin header's value, as in `http://raspberrypi.local:8080`.
  ///   - authorization: The Authorization header's value, as in `Bearer TOKEN`.
  ///   - query: The value of `token` in the address.
  func refusal(
    host: String?, origin: String?, authorization: String?, query: String?
  ) -> Refusal? {
    guard let host, isOurs(host) else { return .host }
    if let origin,
      !Self.lower(origin.utf8).utf8.elementsEqual(("http://" + Self.lower(host.utf8)).utf8)
    {
      return .origin
    }
    guard let token else { return nil }
    let bearer = "Bearer "
    if let authorization, authorization.utf8.starts(with: bearer.utf8),
      Self.isSame(authorization.utf8.dropFirst(bearer.utf8.count), token.utf8)
    {
      return nil
    }
    if let query, Self.isSame(query.utf8[...], token.utf8) { return nil }
    return .token
  }

  private func isOurs(_ host: String) -> Bool {
    var name = host.utf8[...]
    // A port, which is not behind the last bracket of an IPv6 address only if there is none.
    if let colon = name.lastIndex(of: UInt8(ascii: ":")), name.last != UInt8(ascii: "]") {
      name = name[..<colon]
    }
    if ListenAddress.isNumeric(name) { return true }
    let lower = Self.lower(name)
    return lower.utf8.elementsEqual("localhost".utf8)
      || names.contains { $0.utf8.elementsEqual(lower.utf8) }
  }

  /// ASCII letters made small, as names of machines compare.
  private static func lower(_ text: some Sequence<UInt8>) -> String {
    String(decoding: text.map { (0x41...0x5A).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
  }

  /// Whether two texts are the same, in a time that says nothing of where they differ.
  private static func isSame(_ a: Substring.UTF8View, _ b: String.UTF8View) -> Bool {
    guard a.count == b.count else { return false }
    var difference: UInt8 = 0
    for (x, y) in zip(a, b) { difference |= x ^ y }
    return difference == 0
  }
}
