// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport

@testable import LVTPlanner

extension Fuzzer {
  /// The input is a file: what it starts with says which reader has it.
  static let checkpoints = Fuzzer(
    name: "checkpoints",
    summary: "checkpoints, shard indexes, NumPy arrays, idx files, gzip, labels",
    longest: 8192,
    seeds: {
      let folder = "Tests/Fixtures/import"
      return try repositoryFiles(
        in: folder, endingIn: [".pth", ".pt", ".safetensors", ".npy", ".idx", ".gz"])
        + [
          Array(#"{"metadata":{},"weight_map":{"a.weight":"part-1.safetensors"}}"#.utf8),
          Array("T-shirt\r\nTrouser\n\nPullover \n".utf8),
        ]
    },
    run: { input in
      let file = FileBytes(input, name: "input")
      do throws(ImportError) {
        switch FileKind(input) {
        case .array: _ = try NumpyArray.read(file)
        case .idx:
          do throws(ImportError) { _ = try IdxImages.read(file) } catch { _ = error.description }
          _ = try IdxLabels.read(file)
        case .index: _ = try ShardIndex(file)
        case .text:
          let names = try LabelFile.lines(of: String(decoding: input, as: UTF8.self), file: "input")
          for name in names { precondition(name.utf8.count <= LabelFile.longestName) }
          _ = try Checkpoint.read(file)
        case .checkpoint: _ = try Checkpoint.read(file)
        }
      } catch {
        let text = error.description
        guard !text.utf8.contains(0x0A) else {
          throw Finding(description: "an error of several lines: \(text)")
        }
      }
    })
}

private enum FileKind {
  case checkpoint, array, idx, index, text

  init(_ bytes: UnsafeRawBufferPointer) {
    let start = Array(bytes.prefix(9))
    self =
      switch start.first {
      case 0x93: .array
      case 0x1F: .idx
      case 0 where start.dropFirst().first == 0: .idx
      case UInt8(ascii: "{") where !start.contains(0): .index
      case UInt8(ascii: "T"): .text
      default: .checkpoint
      }
  }
}
