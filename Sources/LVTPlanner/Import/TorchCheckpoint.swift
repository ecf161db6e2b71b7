// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Reads the zip archive that `torch.save` writes: a pickle that describes the tensors, and one
/// entry with the raw bytes of each storage.
struct TorchCheckpoint {
  private let archive: ZipArchive
  private let folder: String
  private let heap: PickleHeap
  private let root: PickleReference

  /// Reads the tensors of the state dictionary in `file`.
  ///
  /// The state dictionary is the saved dictionary itself if it has a known network's names, else one of
  /// averaged weights, else the first of ``NetworkNames/keys``, at most three keys deep, that has; without
  /// such names, the first with tensors. Whatever lies beside it is ignored, values in it that are no tensors too.
  ///
  /// - Throws: ``ImportError`` for a damaged archive or pickle, for a file without a state
  ///   dictionary, and for a tensor that does not fit its storage.
  static func read(
    _ file: FileBytes, part: CheckpointPart
  ) throws(ImportError) -> Checkpoint {
    let checkpoint = try TorchCheckpoint(file)
    let (state, notes) = try checkpoint.stateDictionary(part.key)
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
    var read = try Checkpoint(named: named, file: file.name, part: part, notes: notes)
    read.classNames = checkpoint.classNames
    return read
  }

  private init(_ file: FileBytes) throws(ImportError) {
    archive = try ZipArchive(file)
    if let kind = ForeignFile.kind(ofEntries: archive.entries.keys) { throw kind.error(file.name) }
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

  /// The names of classes that mmdetection and mmsegmentation save: `meta['CLASSES']`, or
  /// `meta['dataset_meta']['classes']` since their versions 3 and 1; none unless all are names.
  private var classNames: [String] {
    let meta = value("meta", in: root)
    guard
      let saved = value("CLASSES", in: meta)
        ?? value("classes", in: value("dataset_meta", in: meta)),
      let items = heap.sequence(saved), items.count <= PlanLimits.channels(of: .float32)
    else { return [] }
    let names = items.compactMap { heap.string($0) }.filter { LabelFile.isName($0) }
    return names.count == items.count ? names : []
  }

  /// What a dictionary has under a key; the last one wins where it is repeated, as in Python.
  private func value(_ key: String, in dictionary: PickleReference?) -> PickleReference? {
    dictionary.flatMap { heap.pairs($0) }?.last { heap.string($0.key) == key }?.value
  }

  private typealias Pairs = [(key: PickleReference, value: PickleReference)]

  /// A dictionary of tensors, and the keys that lead to it.
  private struct Candidate {
    let path: [String]
    let pairs: Pairs
    let isKnown: Bool

    var name: String { path.joined(separator: ".") }
    /// Its place among all: averaged weights first, then the order of the keys that are known.
    var rank: (Int, Int) {
      (
        NetworkNames.isAveraged(name) ? 0 : 1,
        path.last.flatMap { NetworkNames.keys.firstIndex(of: $0) } ?? NetworkNames.keys.count
      )
    }
  }

  /// The dictionary that is the network, and what was chosen.
  private func stateDictionary(_ key: String?) throws(ImportError) -> (Pairs, notes: [String]) {
    guard let top = heap.pairs(root) else {
      if case .object = heap[root] { throw ForeignFile.wholeNetwork.error(archive.file.name) }
      throw missing("a dictionary of tensors, as model.state_dict() gives", heap.kind(root))
    }
    var budget = Self.maximumDictionaries
    let found = candidates(top, path: [], &budget)
    if let key {
      guard let asked = found.first(where: { $0.name == key || $0.path.first == key }) else {
        throw missing("tensors under '\(key)'", list(found, or: top))
      }
      return (asked.pairs, ["took the tensors of '\(asked.name)' (--key)"])
    }
    let known = found.filter { $0.isKnown }
    let best =
      (known.isEmpty ? found : known).filter { $0.path.isEmpty }
      + (known.isEmpty ? found : known).filter { !$0.path.isEmpty }.sorted { $0.rank < $1.rank }
    guard let chosen = best.first else {
      if top.contains(where: { holdsWholeNetwork($0) }) {
        throw ForeignFile.wholeNetwork.error(archive.file.name)
      }
      throw missing("a dictionary of tensors, at the top or under a key", list(found, or: top))
    }
    if let second = best.dropFirst().first, !chosen.path.isEmpty, second.rank == chosen.rank {
      throw missing("one network, or --key", list(best, or: top))
    }
    guard !chosen.path.isEmpty else { return (chosen.pairs, []) }
    let others = best.dropFirst().map { "'\($0.name)'" }
    let beside = others.isEmpty ? "" : ", not of \(others.joined(separator: ", "))"
    let unread = top.filter { holdsWholeNetwork($0) }.compactMap { heap.string($0.key) }
      .map { "left out '\($0)', a whole pickled network" }
    return (chosen.pairs, ["took the tensors of '\(chosen.name)'\(beside) (--key)"] + unread)
  }

  /// Dictionaries with tensors, at most three keys deep, in the order of the file.
  private func candidates(_ pairs: Pairs, path: [String], _ budget: inout Int) -> [Candidate] {
    var found: [Candidate] = []
    let names = pairs.compactMap { pair -> String? in
      if case .tensor = heap[pair.value] { heap.string(pair.key) } else { nil }
    }
    if !names.isEmpty {
      let isKnown = names.contains {
        NetworkNames.prefix(of: NetworkNames.unwrapped($0)) != nil
      }
      found.append(Candidate(path: path, pairs: pairs, isKnown: isKnown))
    }
    guard path.count < 3 else { return found }
    // The last one wins where a key is repeated, as in Python.
    var seen: Set<String> = []
    var inside: [Candidate] = []
    for pair in pairs.reversed() {
      guard let name = heap.string(pair.key), let inner = heap.pairs(pair.value),
        seen.insert(name).inserted, budget > 0
      else { continue }
      budget -= 1
      inside = candidates(inner, path: path + [name], &budget) + inside
    }
    return found + inside
  }

  /// Dictionaries that are looked into: a pickle can share one among any number of keys.
  private static let maximumDictionaries = 64

  private func holdsWholeNetwork(_ pair: (key: PickleReference, value: PickleReference)) -> Bool {
    guard let name = heap.string(pair.key),
      NetworkNames.keys.contains(name) || NetworkNames.isAveraged(name)
    else { return false }
    if case .object = heap[pair.value] { return true }
    return false
  }

  private func missing(_ expected: String, _ found: String) -> ImportError {
    .missing(file: archive.file.name, expected: expected, found: found)
  }

  private func list(_ found: [Candidate], or top: Pairs) -> String {
    if !found.isEmpty {
      return "them under " + found.prefix(8).map { "'\($0.name)'" }.joined(separator: ", ")
    }
    let keys = top.prefix(8).compactMap { heap.string($0.key) }.map { "'\($0.prefix(20))'" }
    return "a dictionary of \(top.count) without: \(keys.joined(separator: ", "))"
  }
}
