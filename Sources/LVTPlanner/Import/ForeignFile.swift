// SPDX-License-Identifier: Apache-2.0

/// Files that hold networks in forms that are not read: what each is, and how to get a checkpoint out of it.
enum ForeignFile: CaseIterable {
  case legacyPickle, pickle, wholeNetwork, torchScript, exportedProgram
  case onnx, hdf5, tensorFlowLite, gguf, numpyArchive, plan, kerasArchive
  case lfsPointer, html

  /// The kind of a file that is no zip archive, by its first bytes; nil if it is none of these.
  static func kind(ofStart start: [UInt8]) -> ForeignFile? {
    func holds(_ text: String, at offset: Int = 0) -> Bool {
      start.dropFirst(offset).starts(with: text.utf8)
    }
    // torch.save's own magic number, as a pickle of protocol 2.
    let magic: [UInt8] = [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46]
    if start.starts(with: magic) { return .legacyPickle }
    if start.count >= 2, start[0] == 0x80, (1...5).contains(start[1]) { return .pickle }
    if start.starts(with: [0x89, 0x48, 0x44, 0x46]) { return .hdf5 }
    if holds("TFL3", at: 4) { return .tensorFlowLite }
    if holds("GGUF") { return .gguf }
    if holds("LVTPLAN") { return .plan }
    if holds("version https://") { return .lfsPointer }
    if holds("<!DOCTYPE") || holds("<!doctype") || holds("<html") { return .html }
    // A protocol buffer whose first two fields are a small version and the producer's name, or the graph.
    if start.count >= 3, start[0] == 0x08, start[1] < 32, [0x12, 0x3A].contains(start[2]) {
      return .onnx
    }
    return nil
  }

  /// The kind of a zip archive that is no checkpoint, by the names of its entries; nil for a checkpoint.
  static func kind(ofEntries names: some Collection<String>) -> ForeignFile? {
    func has(_ suffix: String) -> Bool { names.contains { $0.hasSuffix(suffix) } }
    if has("/constants.pkl") { return .torchScript }
    if has("archive_format") || has("serialized_exported_program.json") { return .exportedProgram }
    if has("model.weights.h5") { return .kerasArchive }
    if !has("/data.pkl"), has(".npy") { return .numpyArchive }
    return nil
  }

  private var text: String {
    switch self {
    case .legacyPickle: "a checkpoint in the form that torch.save had before 1.6"
    case .pickle: "a plain pickle"
    case .wholeNetwork: "a whole pickled network, not its tensors"
    case .torchScript: "a TorchScript archive"
    case .exportedProgram: "a program of torch.export"
    case .onnx: "an ONNX file"
    case .hdf5: "an HDF5 file, as Keras writes them"
    case .tensorFlowLite: "a TensorFlow Lite file"
    case .gguf: "a GGUF file"
    case .numpyArchive: "an archive of NumPy arrays"
    case .plan: "a plan of lvt, which is compiled already"
    case .kerasArchive: "a Keras archive"
    case .lfsPointer: "a pointer of Git LFS, not the file"
    case .html: "an HTML page, not a checkpoint"
    }
  }

  /// Python that saves what is read here.
  private func python(_ name: String) -> String? {
    let load = "torch.load('\(name)', map_location='cpu', weights_only=False)"
    func save(_ value: String) -> String { "import torch; torch.save(\(value), 'new.pth')" }
    return switch self {
    case .legacyPickle, .pickle: save(load)
    case .wholeNetwork:
      "import torch; net = \(load); net = net['model'] if isinstance(net, dict) else net; "
        + "torch.save(net.state_dict(), 'new.pth')"
    case .torchScript: save("torch.jit.load('\(name)').state_dict()")
    case .exportedProgram: save("dict(torch.export.load('\(name)').state_dict)")
    case .numpyArchive:
      "import numpy, torch; torch.save({k: torch.from_numpy(v) for k, v in "
        + "numpy.load('\(name)').items()}, 'new.pth')"
    case .onnx, .hdf5, .tensorFlowLite, .gguf, .kerasArchive: save("network.state_dict()")
    case .plan, .lfsPointer, .html: nil
    }
  }

  /// The error that says what the file is and the way out.
  func error(_ name: String) -> ImportError {
    let way = python(name).map { "save its tensors in Python: \($0)" }
    let other = self == .lfsPointer ? "fetch it with git lfs pull" : "expected a trained checkpoint"
    return .foreign(file: name, kind: text, advice: way ?? other)
  }
}
