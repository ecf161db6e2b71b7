// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LVTServe

@Suite struct AccessTests {
  private let access = Access(token: nil, names: ["Pi", "pi.local"])

  @Test(arguments: [
    "localhost", "localhost:8080", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8080", "[::1]",
    "[::1]:8080",
    "192.168.1.20:8080", "pi:8080", "PI.local", "[fe80::1]:1",
  ])
  func namesOfThisMachineAreAnswered(host: String) {
    #expect(access.refusal(host: host, origin: nil, authorization: nil, query: nil) == nil)
  }

  /// A name of another site that was pointed here is refused.
  @Test(arguments: [
    nil, "", "evil.example", "evil.example:8080", "localhost.evil.example",
    "127.0.0.1.evil.example",
    "pi.locals", "::1", "[::1", "1", "[]", ":", "pi:local:1",
  ])
  func otherNamesAreRefused(host: String?) {
    #expect(access.refusal(host: host, origin: nil, authorization: nil, query: nil) == .host)
  }

  @Test(
    arguments: [
      ("http://pi:8080", nil), ("HTTP://PI:8080", nil), (nil, nil), ("https://pi:8080", .origin),
      ("http://pi", .origin), ("http://evil.example", .origin), ("null", .origin), ("", .origin),
    ] as [(String?, Access.Refusal?)])
  func pagesOfOtherSitesAreRefused(origin: String?, refusal: Access.Refusal?) {
    #expect(
      access.refusal(host: "pi:8080", origin: origin, authorization: nil, query: nil) == refusal)
  }

  @Test(
    arguments: [
      (nil, nil, false), ("Bearer secret", nil, true), (nil, "secret", true),
      ("Bearer other", "secret", true),
      ("Bearer ", nil, false), ("secret", nil, false), ("bearer secret", nil, false),
      (nil, "", false),
      (nil, "secre", false), (nil, "secrets", false), (nil, "Secret", false),
    ] as [(String?, String?, Bool)])
  func tokenIsTheWholeOne(authorization: String?, query: String?, isKnown: Bool) {
    let access = Access(token: "secret")
    #expect(
      access.refusal(host: "localhost", origin: nil, authorization: authorization, query: query)
        == (isKnown ? nil : .token))
  }

  @Test(arguments: [
    ("127.0.0.1", "127.0.0.1:80", true, false), ("127.1.2.3", "127.1.2.3:80", true, false),
    ("::1", "[::1]:80", true, false), ("0.0.0.0", "0.0.0.0:80", false, true),
    ("::", "[::]:80", false, true),
    ("192.168.1.20", "192.168.1.20:80", false, false),
  ])
  func addressesAreNumeric(host: String, text: String, isLoopback: Bool, isEverywhere: Bool) throws
  {
    let address = try #require(ListenAddress(host: host, port: 80))
    #expect(address.text == text)
    #expect(address.isLoopback == isLoopback)
    #expect(address.isEverywhere == isEverywhere)
  }

  @Test(arguments: [
    ("localhost", 80), ("pi.local", 80), ("", 80), ("1.2.3", 80), ("[::1]", 80), ("127.0.0.1", 0),
    ("127.0.0.1", 65536), ("127.0.0.1:80", 80),
  ])
  func otherAddressesAreNone(host: String, port: Int) {
    #expect(ListenAddress(host: host, port: port) == nil)
  }
}
