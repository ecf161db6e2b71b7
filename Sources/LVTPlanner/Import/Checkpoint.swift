// SPDX-License-Identifier: Apache-2.0

/// The named tensors of a trained network, as float32.
public struct Checkpoint: Sendable {
  /// The tensors by name, such as `patch_embed.proj.weight`, without a leading `module.`.
  ///
  /// Everything that the file names is here, counters and index tables too: which of them a network
  /// needs is for the caller to know.
  public var tensors: [String: FloatTensor]

  /// Creates a checkpoint from tensors that are already in memory.
  public init(tensors: [String: FloatTensor]) {
    self.tensors = tensors
  }

  /// Reads a `.pth` file as `torch.save` writes it, or a `.safetensors` file.
  ///
  /// The content decides the format, not the file's name. Nothing in the file is executed.
  ///
  /// - Throws: ``ImportError`` if the file cannot be read, has another format, is damaged, holds no
  ///   dictionary of tensors, or describes a tensor that its data does not fit.
  public static func read(path: String) throws(ImportError) -> Checkpoint {
    try read(try FileBytes(path: path))
  }

  /// Reads a checkpoint from bytes in memory or from a mapped file.
  static func read(_ file: FileBytes) throws(ImportError) -> Checkpoint {
    let start = file.withBytes(in: 0..<min(file.count, 9)) { Array($0) }
    if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
      return try TorchCheckpoint.read(file)
    }
    // Before the pickle's test: a header of 640 bytes starts like a pickle of protocol 2.
    if start.count == 9, start[8] == UInt8(ascii: "{") {
      return try SafetensorsReader.read(file)
    }
    if start.count >= 2, start[0] == 0x80, (1...5).contains(start[1]) {
      throw .unsupported(
        file: file.name, offset: 0, feature: "a plain pickle, as torch.save wrote before 1.6,",
        advice: "load it with a current torch and save it again with torch.save")
    }
    let found = start.prefix(8).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    throw .unknownFormat(
      file: file.name, expected: "a .pth (zip) or .safetensors checkpoint",
      found: "a file that starts with bytes \(found.joined(separator: " "))")
  }

  /// Creates a checkpoint from tensors as a file names them, dropping a leading `module.`, which
  /// is what data-parallel training puts before each name.
  ///
  /// - Throws: ``ImportError/badTensor(file:tensor:expected:found:)`` if two names become equal.
  init(
    named tensors: [(name: String, tensor: FloatTensor)], file: String
  ) throws(ImportError) {
    var result: [String: FloatTensor] = [:]
    result.reserveCapacity(tensors.count)
    for (name, tensor) in tensors {
      let prefix = "module."
      let short = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
      if result.updateValue(tensor, forKey: short) != nil {
        throw .badTensor(
          file: file, tensor: name, expected: "one tensor called '\(short)'", found: "two")
      }
    }
    self.tensors = result
  }
}
