// SPDX-License-Identifier: Apache-2.0
internal import CLibEvent

/// Where a server listens: an address of this machine and a port.
public struct ListenAddress: Equatable, Sendable {
  /// A numeric IPv4 or IPv6 address.
  public let host: String
  /// 1 … 65535.
  public let port: Int
  /// Whether only programs of this machine can connect.
  public let isLoopback: Bool
  private let isIPv6: Bool

  /// This machine's own programs.
  public static let loopback = "127.0.0.1"

  /// An address; nil if `host` is not a numeric one, such as a name, or the port is none.
  public init?(host: String, port: Int) {
    guard (1...65535).contains(port), let family = Self.family(of: host) else { return nil }
    self.host = host
    self.port = port
    isIPv6 = family == .v6
    isLoopback = isIPv6 ? host.utf8.elementsEqual("::1".utf8) : host.utf8.starts(with: "127.".utf8)
  }

  /// Whether it stands for all addresses of this machine.
  public var isEverywhere: Bool {
    host.utf8.elementsEqual("0.0.0.0".utf8) || host.utf8.elementsEqual("::".utf8)
  }

  /// `127.0.0.1:8080`, `[::1]:8080`, as addresses of pages have it.
  public var text: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

  private enum Family { case v4, v6 }

  private static func family(of host: String) -> Family? {
    var bytes: (UInt64, UInt64) = (0, 0)
    return withUnsafeMutableBytes(of: &bytes) { bytes in
      if evutil_inet_pton(AF_INET, host, bytes.baseAddress) == 1 { return .v4 }
      if evutil_inet_pton(AF_INET6, host, bytes.baseAddress) == 1 { return .v6 }
      return nil
    }
  }

  /// Whether text is a numeric address without a port, in brackets if of IPv6.
  static func isNumeric(_ name: Substring.UTF8View) -> Bool {
    let text = String(decoding: name, as: UTF8.self)
    if name.first == UInt8(ascii: "["), name.last == UInt8(ascii: "]") {
      return family(of: String(decoding: name.dropFirst().dropLast(), as: UTF8.self)) == .v6
    }
    return family(of: text) == .v4
  }
}
