// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport
import Testing

/// What fuzzers once found stays mended.
@Suite struct ReplayTests {
  private struct Input: CustomTestStringConvertible {
    let fuzzer: Fuzzer
    let file: String
    var testDescription: String { "\(fuzzer.name)/\(file)" }
  }

  private static let found = "\(fixtures)/found"

  private static var inputs: [Input] {
    Fuzzer.all.flatMap { fuzzer in
      let files = try? FileManager.default.contentsOfDirectory(atPath: "\(found)/\(fuzzer.name)")
      return (files ?? []).sorted().map { Input(fuzzer: fuzzer, file: $0) }
    }
  }

  private func run(_ fuzzer: Fuzzer, _ input: [UInt8]) throws {
    try input.withUnsafeBytes { try fuzzer.run($0) }
  }

  @Test(arguments: inputs)
  private func inputThatFoundSomethingFindsNothing(input: Input) throws {
    try run(
      input.fuzzer,
      Array(try Data(contentsOf: URL(filePath: "\(Self.found)/\(input.testDescription)"))))
  }

  @Test(arguments: Fuzzer.all.map(\.name))
  func inputsToStartFromFindNothing(name: String) throws {
    let fuzzer = try #require(Fuzzer.all.first { $0.name == name })
    for seed in try fuzzer.seeds() {
      #expect(seed.count <= fuzzer.longest, "\(name)")
      try run(fuzzer, seed)
    }
    for length in 0...20 { try run(fuzzer, (0..<length).map { UInt8($0 * 37 & 255) }) }
  }
}
