// SPDX-License-Identifier: Apache-2.0
import LVTModel
import Testing

@Suite struct ChecksumTests {
  /// The examples of FIPS 180-4.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func sha256MatchesItsStandard(text: String, hash: String) {
    let found = Array(text.utf8).withUnsafeBytes { SHA256.hash($0) }
    let digits = found.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    #expect(digits == hash)
  }

  /// RFC 3720, appendix B.4.
  @Test func crc32cMatchesItsStandard() {
    let zeros = [UInt8](repeating: 0, count: 32)
    let ascending = (0..<32).map { UInt8($0) }
    #expect(zeros.withUnsafeBytes { CRC32C.checksum($0) } == 0x8A91_36AA)
    #expect(ascending.withUnsafeBytes { CRC32C.checksum($0) } == 0x46DD_794E)
  }

  @Test func splitMixMatchesItsReference() {
    var generator = SplitMix64(seed: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
  }
}
