// SPDX-License-Identifier: Apache-2.0

/// Which of a file's tensors are the network, where several could be.
public struct CheckpointPart: Equatable, Sendable {
  /// The key of the saved dictionary under which they are; nil for the first that is known.
  public var key: String?
  /// What stands before the network's names; nil for what stands before those that are known.
  public var prefix: String?

  /// A part; by default what is found.
  public init(key: String? = nil, prefix: String? = nil) {
    self.key = key
    self.prefix = prefix
  }
}

/// The named tensors of a trained network, as float32.
public struct Checkpoint: Sendable {
  /// The tensors by name, such as `patch_embed.proj.weight`, without what training programs put before it.
  ///
  /// Counters and index tables are here too: which of them a network needs is for the caller to know.
  public var tensors: [String: FloatTensor]

  /// What was taken of the file where there was a choice, a line each, with the option that chooses.
  public private(set) var notes: [String] = []

  /// The names of the classes that the file has beside the tensors, in their order; often none.
  public internal(set) var classNames: [String] = []

  /// Creates a checkpoint from tensors that are already in memory.
  public init(tensors: [String: FloatTensor]) {
    self.tensors = tensors
  }

  /// The names of a network's classes if the file has one for each, and a note of what was done with those it has.
  public func labels(of network: Network) -> (labels: [String], note: String?) {
    let count = network.classCount
    guard !classNames.isEmpty, count > 0 else { return ([], nil) }
    guard classNames.count == count else {
      return (
        [],
        "left out its \(classNames.count) class names: the network has \(count) classes (--labels)"
      )
    }
    return (classNames, "took its class names (--labels)")
  }

  /// Reads a `.pth` file as `torch.save` writes it, a `.safetensors` file, or the index of several.
  ///
  /// The content decides the format, not the file's name. Nothing in the file is executed.
  ///
  /// - Throws: ``ImportError`` if the file cannot be read, has another format, is damaged, holds no
  ///   dictionary of tensors, or describes a tensor that its data does not fit.
  public static func read(
    path: String, part: CheckpointPart = CheckpointPart()
  ) throws(ImportError) -> Checkpoint {
    let file = try FileBytes(path: path)
    guard ShardIndex.isOne(file) else { return try read(file, part: part) }
    try refuseKey(part, file)
    return try ShardIndex(file).read(part)
  }

  /// Safetensors have names only.
  private static func refuseKey(
    _ part: CheckpointPart, _ file: FileBytes
  ) throws(ImportError) {
    guard let key = part.key else { return }
    throw .missing(
      file: file.name, expected: "a saved dictionary with the key '\(key)'",
      found: "safetensors, which have no keys")
  }

  /// Reads a checkpoint from bytes in memory or from a mapped file.
  static func read(
    _ file: FileBytes, part: CheckpointPart = CheckpointPart()
  ) throws(ImportError) -> Checkpoint {
    let start = file.withBytes(in: 0..<min(file.count, 16)) { Array($0) }
    if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
      return try TorchCheckpoint.read(file, part: part)
    }
    // Before the pickle's test: a header of 640 bytes starts like a pickle of protocol 2.
    if SafetensorsReader.isOne(start: start) {
      try refuseKey(part, file)
      return try Checkpoint(
        named: SafetensorsReader(file).tensors(), file: file.name, part: part)
    }
    if let kind = ForeignFile.kind(ofStart: start) { throw kind.error(file.name) }
    let found = start.prefix(8).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    throw .unknownFormat(
      file: file.name, expected: "a .pth (zip) or .safetensors checkpoint",
      found: "a file that starts with bytes \(found.joined(separator: " "))")
  }

  /// Creates a checkpoint from tensors as a file names them.
  ///
  /// Of names that are known, those with the same prefix are taken, without it. Where there are several
  /// prefixes, it is the one of averaged weights.
  ///
  /// - Parameter notes: What was chosen before.
  /// - Throws: ``ImportError/badTensor(file:tensor:expected:found:)`` if two names become equal;
  ///   ``ImportError/missing(file:expected:found:)`` if no name has the prefix that is asked for, or
  ///   several could be meant.
  init(
    named tensors: [(name: String, tensor: FloatTensor)], file: String,
    part: CheckpointPart = CheckpointPart(), notes: [String] = []
  ) throws(ImportError) {
    self.notes = notes
    let named = tensors.map { (name: NetworkNames.unwrapped($0.name), tensor: $0.tensor) }
    if zip(named, tensors).contains(where: { $0.name != $1.name }) {
      self.notes.append("dropped '_orig_mod.' and the like from names")
    }
    let prefix = try Self.prefix(of: named.map { $0.name }, file: file, part)
    var result: [String: FloatTensor] = [:]
    result.reserveCapacity(named.count)
    var others: [String] = []
    for (name, tensor) in named {
      guard
        let short = NetworkNames.short(name, prefix: prefix, withHeads: part.prefix == nil)
      else {
        if !NetworkNames.isIgnored(name) { others.append(name) }
        continue
      }
      if result.updateValue(tensor, forKey: short) != nil {
        throw .badTensor(
          file: file, tensor: name, expected: "one tensor called '\(short)'", found: "two")
      }
    }
    self.tensors = result
    if !prefix.isEmpty { self.notes.append("took the names after '\(prefix)' (--prefix)") }
    if let first = others.min() {
      self.notes.append(
        "left out \(others.count) tensors without '\(prefix)', such as '\(first)' (--prefix)")
    }
  }

  private static func prefix(
    of names: [String], file: String, _ part: CheckpointPart
  ) throws(ImportError) -> String {
    if let asked = part.prefix {
      let prefix = asked.isEmpty || asked.hasSuffix(".") ? asked : asked + "."
      guard names.contains(where: { $0.hasPrefix(prefix) }) else {
        throw .missing(
          file: file, expected: "tensors whose names start with '\(prefix)'",
          found: names.min().map { "others, such as '\($0)'" } ?? "none at all")
      }
      return prefix
    }
    let prefixes = Set(names.compactMap { NetworkNames.prefix(of: $0) })
    if prefixes.count > 1 {
      let averaged = prefixes.filter { NetworkNames.isAveraged($0) }
      guard averaged.count == 1, let only = averaged.first else {
        let list = prefixes.sorted().map { "'\($0)'" }.joined(separator: ", ")
        throw .missing(
          file: file, expected: "one network, or --prefix",
          found: "networks whose names start with \(list)")
      }
      return only
    }
    // A network that is not known may still be named whole.
    return prefixes.first
      ?? (names.allSatisfy { $0.hasPrefix("module.") } && !names.isEmpty ? "module." : "")
  }
}
