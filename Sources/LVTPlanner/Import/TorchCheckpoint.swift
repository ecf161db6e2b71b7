// SPDX-License-Identifier: Apache-2.0

/// Reads the zip archive that `torch.save` writes: a pickle that describes the tensors, and one
/// entry with the raw bytes of each storage.
struct TorchCheckpoint {
  /// Where training scripts put the network inside the dictionary they save, first choice first.
  static let stateKeys = ["model", "state_dict", "model_state_dict", "model_ema"]

  private let archive: ZipArchive
  private let folder: String
  private let heap: PickleHeap
  private let root: PickleReference

  /// Reads the tensors of the state dictionary in `file`.
  ///
  /// The state dictionary is the first of ``stateKeys`` that is a dictionary with tensors in it, or
  /// else the saved dictionary itself. Whatever lies beside it is ignored, values in it that are no
  /// tensors too.
  ///
  /// - Throws: ``ImportError`` for a damaged archive or pickle, for a file without a state
  ///   dictionary, and for a tensor that does not fit its storage.
  static func read(_ file: FileBytes) throws(ImportError) -> Checkpoint {
    let checkpoint = try TorchCheckpoint(file)
    let state = try checkpoint.stateDictionary()
    var storages = TorchStorages(archive: checkpoint.archive, folder: checkpoint.folder)
    var named: [(name: String, tensor: FloatTensor)] = []
    for (key, value) in state {
      guard let name = checkpoint.heap.string(key) else { continue }
      switch checkpoint.heap[value] {
      case .tensor(let index):
        let tensor = try storages.tensor(checkpoint.heap.tensors[index], name: name)
        named.append((name, tensor))
      case .object(let index) where checkpoint.heap.names[index].name.hasPrefix("_rebuild_"):
        // A sparse, quantized or otherwise special tensor: skipping it would only surface later,
        // as a missing tensor.
        throw .badTensor(
          file: file.name, tensor: name, expected: "a dense tensor",
          found: "one made by \(checkpoint.heap.names[index].dotted)")
      default: break
      }
    }
    return try Checkpoint(named: named, file: file.name)
  }

  private init(_ file: FileBytes) throws(ImportError) {
    archive = try ZipArchive(file)
    let suffix = "/data.pkl"
    let pickles = archive.entries.keys.filter {
      $0.hasSuffix(suffix) && $0.firstIndex(of: "/") == $0.lastIndex(of: "/")
    }
    guard pickles.count == 1, let pickle = pickles.first else {
      throw .missing(
        file: file.name, expected: "one entry FOLDER/data.pkl, as torch.save writes",
        found: "a zip archive with \(pickles.count)")
    }
    folder = String(pickle.dropLast(suffix.count))
    try Self.checkByteOrder(archive, folder: folder)
    (root, heap) = try PickleReader.read(file, in: try archive.data(of: pickle))
  }

  private static func checkByteOrder(
    _ archive: ZipArchive, folder: String
  ) throws(ImportError) {
    let name = "\(folder)/byteorder"
    // torch before 2.1 does not write it, and then runs on little-endian machines only.
    guard archive.entries[name] != nil else { return }
    let range = try archive.data(of: name)
    let order = archive.file.withBytes(in: range) { String(decoding: $0.prefix(16), as: UTF8.self) }
    guard order == "little" else {
      throw .unsupported(
        file: archive.file.name, offset: range.lowerBound, feature: "byte order '\(order)'",
        advice: "save the checkpoint again on a little-endian machine")
    }
  }

  private func stateDictionary() throws(ImportError)
    -> [(key: PickleReference, value: PickleReference)]
  {
    guard let top = heap.pairs(root) else {
      throw .missing(
        file: archive.file.name, expected: "a dictionary of tensors, as model.state_dict() gives",
        found: heap.kind(root))
    }
    for name in Self.stateKeys {
      // The last one wins where a key is repeated, as in Python.
      guard let entry = top.last(where: { heap.string($0.key) == name }),
        let pairs = heap.pairs(entry.value), holdsTensors(pairs)
      else { continue }
      return pairs
    }
    if holdsTensors(top) { return top }
    let keys = top.prefix(8).compactMap { heap.string($0.key) }.map { "'\($0.prefix(20))'" }
    throw .missing(
      file: archive.file.name,
      expected: "tensors under \(Self.stateKeys.joined(separator: ", ")) or at the top",
      found: "a dictionary of \(top.count) without: \(keys.joined(separator: ", "))")
  }

  private func holdsTensors(_ pairs: [(key: PickleReference, value: PickleReference)]) -> Bool {
    pairs.contains { pair in
      if case .tensor = heap[pair.value] { heap.string(pair.key) != nil } else { false }
    }
  }
}
