// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// The index of a checkpoint in several safetensors files, `model.safetensors.index.json`, as Hugging Face's
/// libraries write it: for each tensor the file, beside the index, that holds it.
struct ShardIndex {
  private struct Contents: Decodable {
    let weight_map: [String: String]
  }

  /// The longest index that is read; one of 300 tensors takes 30 kB.
  private static let maximumByteCount = SafetensorsReader.maximumHeaderByteCount
  private static let maximumShards = 1000

  private let file: FileBytes
  private let map: [String: String]

  /// Whether a file starts as JSON does.
  static func isOne(_ file: FileBytes) -> Bool {
    let space: [UInt8] = [0x20, 0x0A, 0x0D, 0x09]
    let start = file.withBytes(in: 0..<min(file.count, 64)) { Array($0) }
    // The length in front of a safetensors header has zeros.
    return start.first { !space.contains($0) } == UInt8(ascii: "{") && !start.prefix(8).contains(0)
  }

  /// Reads an index.
  ///
  /// - Throws: ``ImportError`` if it is none, or names a file that is not beside it.
  init(_ file: FileBytes) throws(ImportError) {
    guard file.count <= Self.maximumByteCount else {
      throw .limitExceeded(
        file: file.name, offset: 0, quantity: "an index of \(file.count) bytes",
        limit: Self.maximumByteCount)
    }
    let data = file.withBytes(in: 0..<file.count) { Data($0) }
    guard let contents = try? JSONDecoder().decode(Contents.self, from: data) else {
      throw .unknownFormat(
        file: file.name, expected: "the index of a checkpoint in several safetensors files",
        found: "other JSON, without a weight_map of names to files")
    }
    guard !contents.weight_map.isEmpty else {
      throw .missing(file: file.name, expected: "at least one tensor", found: "an empty weight_map")
    }
    for shard in contents.weight_map.values
    where shard.isEmpty || shard.hasPrefix(".") || shard.contains("/") {
      throw .missing(
        file: file.name, expected: "names of files beside the index", found: "'\(shard)'")
    }
    self.file = file
    map = contents.weight_map
  }

  /// Reads the tensors that the index names, each from its file.
  func read(_ part: CheckpointPart) throws(ImportError) -> Checkpoint {
    let shards = Set(map.values).sorted()
    guard shards.count <= Self.maximumShards else {
      throw .limitExceeded(
        file: file.name, offset: 0, quantity: "an index of \(shards.count) files",
        limit: Self.maximumShards)
    }
    let folder = URL(fileURLWithPath: file.name).deletingLastPathComponent()
    var named: [(name: String, tensor: FloatTensor)] = []
    for shard in shards {
      let bytes = try FileBytes(path: folder.appendingPathComponent(shard).path)
      named += try SafetensorsReader(bytes).tensors { map[$0] == shard }
    }
    guard named.count == map.count else {
      let found = Set(named.map { $0.name })
      let lacking = map.keys.filter { !found.contains($0) }.min() ?? ""
      throw .missing(
        file: file.name, expected: "tensor '\(lacking)' in '\(map[lacking] ?? "")'",
        found: "none there")
    }
    return try Checkpoint(
      named: named, file: file.name, part: part, notes: ["read \(shards.count) files"])
  }
}
