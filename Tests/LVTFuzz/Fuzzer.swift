// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTModel
import LVTTestSupport

/// Something that is tried with inputs without number.
///
/// `tools/fuzz` runs fuzzers with libFuzzer; the tests run them with the inputs that once found something.
struct Fuzzer: Sendable {
  /// As `tools/fuzz` and the folders of inputs are told it.
  let name: String
  /// What it tries, in a few words.
  let summary: String
  /// Bytes of the longest input.
  let longest: Int
  /// Inputs to start from, made of the test data.
  var seeds: @Sendable () throws -> [[UInt8]] = { [] }
  /// Another way to change an input than by its bytes.
  var mutate: Mutation?
  /// Runs one input.
  ///
  /// Errors that lvt says are what an input may lead to, and are not thrown on. ``Finding`` is thrown for a wrong answer;
  /// traps and what the sanitizers find end the process.
  let run: @Sendable (UnsafeRawBufferPointer) throws -> Void

  /// Changes an input; `change` is libFuzzer's own way.
  typealias Mutation =
    @Sendable (
      _ input: inout [UInt8], _ generator: inout SplitMix64, _ change: (inout [UInt8]) -> Void
    ) -> Void

  /// All of them, the quickest to find anything first.
  static let all: [Fuzzer] = [
    madePlans, mutatedPlans, values, checkpoints, networks, frames, openings, jpegs, boards, calls,
    coco, voc, labelPictures, pngs,
  ]
}

/// A wrong answer.
struct Finding: Error, CustomStringConvertible {
  let description: String
}

/// The bytes of a file of the repository.
func repositoryFile(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(filePath: "\(repository)/\(path)")))
}

/// The bytes of a folder's files of some kinds, in the order of their names.
func repositoryFiles(in folder: String, endingIn suffixes: [String]) throws -> [[UInt8]] {
  try FileManager.default.contentsOfDirectory(atPath: "\(repository)/\(folder)").sorted()
    .filter { name in suffixes.contains { name.hasSuffix($0) } }
    .map { try repositoryFile("\(folder)/\($0)") }
}
