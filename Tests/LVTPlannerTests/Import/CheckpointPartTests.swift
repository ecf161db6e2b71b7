// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LVTPlanner

/// Which of a file's tensors are the network, and what is said of it.
struct CheckpointPartTests {
  private let anchor = "patch_embed.proj.weight"

  private func tensor(_ value: Float) -> FloatTensor { FloatTensor(shape: [1], values: [value]) }

  private func checkpoint(
    _ names: [String], prefix: String? = nil
  ) throws(ImportError) -> Checkpoint {
    try Checkpoint(
      named: names.enumerated().map { (name: $1, tensor: tensor(Float($0))) }, file: "f",
      part: CheckpointPart(prefix: prefix))
  }

  private func fault(_ names: [String], prefix: String? = nil) -> String? {
    message { () throws(ImportError) in _ = try checkpoint(names, prefix: prefix) }
  }

  private func fault(_ name: String, key: String? = nil) -> String? {
    message { () throws(ImportError) in
      _ = try Checkpoint.read(path: fixturePath(name), part: CheckpointPart(key: key))
    }
  }

  @Test(arguments: [
    "", "module.", "model.", "_orig_mod.", "backbone.", "encoder.", "model._orig_mod.module.",
    "_fsdp_wrapped_module.net.", "anything.at.all.",
  ])
  func commonPrefixIsDropped(prefix: String) throws {
    let found = try checkpoint([prefix + anchor, prefix + "head.bias"])
    #expect(found.tensors.keys.sorted() == ["head.bias", anchor])
  }

  @Test func prefixIsSaidAndWhatItLeavesOut() throws {
    let found = try checkpoint([
      "model." + anchor, "model.a.total_ops", "criterion.weight", "total_ops",
    ])
    #expect(
      found.notes == [
        "took the names after 'model.' (--prefix)",
        "left out 1 tensors without 'model.', such as 'criterion.weight' (--prefix)",
      ])
  }

  @Test func wrapperInsideANameIsDropped() throws {
    let found = try checkpoint([
      anchor, "layers.0._orig_mod.blocks.0._checkpoint_wrapped_module.bn.bias",
    ])
    #expect(found.tensors["layers.0.blocks.0.bn.bias"] != nil)
    #expect(found.notes == ["dropped '_orig_mod.' and the like from names"])
  }

  @Test func averagedNamesAreTaken() throws {
    for (plain, averaged) in [
      ("student.", "teacher."), ("model.", "model_ema."), ("", "ema.module."),
    ] {
      #expect(try checkpoint([plain + anchor, averaged + anchor]).tensors == [anchor: tensor(1)])
    }
  }

  @Test(arguments: [
    "state_dict_ema", "model_ema.module", "ema", "ema.shadow", "ema_weights", "net_ema", "teacher",
    "teacher_ema", "averaged_model", "swa_state_dict", "EMA.model",
  ])
  func namesOfAveragedWeightsAreKnown(path: String) {
    #expect(NetworkNames.isAveraged(path))
  }

  @Test(arguments: ["state_dict", "model", "student", "schema", "cinema.model", "net.emaciated"])
  func otherNamesAreNone(path: String) {
    #expect(!NetworkNames.isAveraged(path))
  }

  @Test func safetensorsHaveNoKeys() {
    let fault = message { () throws(ImportError) in
      _ = try Checkpoint.read(
        path: fixturePath("tensors.safetensors"), part: CheckpointPart(key: "model"))
    }
    #expect(fault?.contains("safetensors, which have no keys") == true)
  }

  @Test func choiceThatNothingDecidesIsTheCallers() throws {
    let names = ["a." + anchor, "b." + anchor]
    #expect(fault(names)?.contains("expected one network, or --prefix") == true)
    for prefix in ["b", "b."] {
      #expect(try checkpoint(names, prefix: prefix).tensors == [anchor: tensor(1)])
    }
    #expect(fault(names, prefix: "c")?.contains("names start with 'c.'") == true)
    #expect(fault([], prefix: "c")?.contains("found none at all") == true)
  }

  @Test func equalNamesAfterDroppingAWrapperAreRejected() {
    #expect(
      fault(["a", "_orig_mod.a"]) == "f: tensor 'a': expected one tensor called 'a', found two")
  }

  @Test func averagedWeightsAreTakenAndSaid() throws {
    let found = try Checkpoint.read(path: fixturePath("ema-beside.pth"))
    #expect(found.tensors == [anchor: tensor(2)])
    #expect(found.notes == ["took the tensors of 'state_dict_ema', not of 'state_dict' (--key)"])
    let other = try Checkpoint.read(
      path: fixturePath("ema-beside.pth"), part: CheckpointPart(key: "state_dict"))
    #expect(other.tensors == [anchor: tensor(1)])
    #expect(
      fault("ema-beside.pth", key: "model")?.contains("expected tensors under 'model'") == true)
  }

  @Test(arguments: [("unknown-key.pth", "generator"), ("nested-key.pth", "checkpoint.model")])
  func onlyNetworkIsTakenUnderAnyKey(name: String, path: String) throws {
    let found = try Checkpoint.read(path: fixturePath(name))
    #expect(found.tensors == [anchor: tensor(1)])
    #expect(found.notes == ["took the tensors of '\(path)' (--key)"])
  }

  @Test func twoNetworksUnderUnknownKeysAreRefused() {
    #expect(fault("two-unknown.pth")?.contains("found them under 'generator', 'critic'") == true)
  }

  @Test(arguments: [
    ("whole-network.pth", "a whole pickled network", "net.state_dict()"),
    ("whole-network-inside.pth", "a whole pickled network", "net['model']"),
    ("torchscript.pt", "a TorchScript archive", "torch.jit.load('"),
    ("legacy.pth", "before 1.6", "torch.save(torch.load('"),
  ])
  func otherFormsAreNamedWithTheWayOut(name: String, kind: String, python: String) {
    let fault = fault(name) ?? ""
    #expect(fault.contains(kind) && fault.contains(python) && !fault.contains("\n"))
  }

  @Test(arguments: [
    ([0x08, 0x08, 0x12, 0x07] + Array("pytorch".utf8), "an ONNX file"),
    ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "an HDF5 file"),
    ([0x1C, 0, 0, 0] + Array("TFL3".utf8), "a TensorFlow Lite file"),
    (Array("version https://git-lfs".utf8), "a pointer of Git LFS"),
    (Array("<!DOCTYPE html>".utf8), "an HTML page"),
    (Array("GGUF".utf8), "a GGUF file"), (Array("LVTPLAN\0".utf8), "a plan of lvt"),
    ([0x80, 0x04, 0x4E, 0x2E], "a plain pickle"),
  ])
  func otherFilesAreNamed(bytes: [UInt8], kind: String) {
    let fault = message { () throws(ImportError) in _ = try Checkpoint.read(file(bytes)) }
    #expect(fault?.contains(kind) == true)
  }

  @Test func archivesOfOtherKindsAreNamed() {
    for (entry, kind) in [
      ("a.npy", "NumPy"), ("model.weights.h5", "Keras"), ("m/archive_format", "torch.export"),
    ] {
      let archive = ZipBuilder([(entry, [1])]).build()
      let fault = message { () throws(ImportError) in _ = try Checkpoint.read(file(archive)) }
      #expect(fault?.contains(kind) == true)
    }
  }

  /// An index over two files, each with one tensor.
  private func withShards(_ map: String, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (shard, name) in [("1", "model." + anchor), ("2", "model.head.bias")] {
      let header = #"{"\#(name)":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
      let content =
        bytes(UInt64(header.utf8.count)) + Array(header.utf8) + bytes(Float(1).bitPattern)
      try Data(content).write(to: folder.appendingPathComponent("\(shard).safetensors"))
    }
    let index = folder.appendingPathComponent("model.safetensors.index.json")
    try Data("{\"metadata\":{},\"weight_map\":{\(map)}}".utf8).write(to: index)
    try body(index.path)
  }

  @Test func shardsAreReadByTheirIndex() throws {
    let map = #""model.\#(anchor)":"1.safetensors","model.head.bias":"2.safetensors""#
    try withShards(map) { path in
      let found = try Checkpoint.read(path: path)
      #expect(found.tensors == [anchor: tensor(1), "head.bias": tensor(1)])
      #expect(found.notes.first == "read 2 files")
    }
  }

  @Test(arguments: [
    (#""a":"../1.safetensors""#, "names of files beside the index"),
    (#""a":"/dev/zero""#, "names of files beside the index"),
    (#""a":".""#, "names of files beside the index"),
    (#""a":"1.safetensors""#, "expected tensor 'a' in '1.safetensors'"),
    (#""a":"3.safetensors""#, "cannot be read"), ("", "at least one tensor"),
    (#""a":1"#, "without a weight_map"),
  ])
  func badIndexIsRefused(map: String, reason: String) throws {
    try withShards(map) { path in
      let fault = message { () throws(ImportError) in _ = try Checkpoint.read(path: path) }
      #expect(fault?.contains(reason) == true)
    }
  }
}
