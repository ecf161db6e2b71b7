// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LVTPlanner

/// Returns the path of a file that `Tests/Fixtures/import/make.py` wrote.
func fixturePath(_ name: String, from file: String = #filePath) -> String {
  URL(fileURLWithPath: file)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/import/\(name)").path
}

/// Returns the bytes of a fixture.
func fixture(_ name: String) throws -> [UInt8] {
  try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixturePath(name))))
}

/// Returns the values that the fixtures hold: `i * 0.25 - 1`.
func ramp(_ count: Int) -> [Float] {
  (0..<count).map { Float($0) * 0.25 - 1 }
}

/// Wraps bytes as a file.
func file(_ bytes: [UInt8]) -> FileBytes {
  FileBytes(bytes, name: "test")
}

/// Returns the description of the error that `body` throws, or nil if it throws none.
func message(_ body: () throws(ImportError) -> Void) -> String? {
  do throws(ImportError) {
    try body()
    return nil
  } catch {
    return error.description
  }
}

/// A small generator with a seed, so that a failing mutation can be run again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Calls `read` with damaged copies of `bytes`.
///
/// That it returns at all is the claim; an error must be one line.
func expectNoCrash(
  mutating bytes: [UInt8], rounds: Int, seed: UInt64,
  _ read: (FileBytes) throws(ImportError) -> Void
) {
  var generator = SeededGenerator(seed: seed)
  // Values at the edges reach further than random ones.
  let edges: [UInt8] = [0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF]
  for _ in 0..<rounds {
    var copy = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let index = Int.random(in: copy.indices, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: copy[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: copy[index] = .random(in: 0...255, using: &generator)
      case 2: copy[index] = edges[Int.random(in: edges.indices, using: &generator)]
      default:
        for offset in index..<min(copy.count, index + 8) { copy[offset] = 0xFF }
      }
    }
    if let message = message({ () throws(ImportError) in try read(file(copy)) }) {
      #expect(!message.contains("\n"))
    }
  }
}

/// Expects an error for every proper beginning of `bytes`.
func expectErrorAtEveryLength(
  of bytes: [UInt8], _ read: (FileBytes) throws(ImportError) -> Void
) {
  for length in bytes.indices {
    let message = message { () throws(ImportError) in try read(file(Array(bytes[..<length]))) }
    #expect(message != nil, "accepted \(length) of \(bytes.count) bytes")
  }
}

/// Little-endian bytes of an integer.
func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
