// SPDX-License-Identifier: Apache-2.0

import LVTTestSupport
import Testing

@testable import LVTPlanner

struct TorchCheckpointTests {
  private let layer = [
    "weight": FloatTensor(shape: [2, 3], values: ramp(6)),
    "bias": FloatTensor(shape: [3], values: ramp(3)),
  ]

  private func fault(_ name: String) -> String? {
    message { () throws(ImportError) in _ = try Checkpoint.read(path: fixturePath(name)) }
  }

  /// An archive that describes one float32 tensor `w` over a storage of four elements.
  private func archive(
    offset: String = "I0\n", shape: String, strides: String, count: Int = 4,
    key: String = "0"
  ) -> [UInt8] {
    let pickle =
      "}Vw\nctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\nFloatStorage\nV\(key)\nVcpu\n"
      + "I\(count)\ntQ\(offset)(\(shape)t(\(strides)tI00\n}tRs."
    let values = [0, 1, 2, 3].flatMap { bytes(Float($0).bitPattern) }
    return ZipBuilder([("x/data.pkl", Array(pickle.utf8)), ("x/data/0", values)]).build()
  }

  private func fault(_ archive: [UInt8]) -> String? {
    message { () throws(ImportError) in _ = try Checkpoint.read(file(archive)) }
  }

  @Test(arguments: ["bare.pth", "nested.pth", "protocol4.pth"])
  func stateDictionaryIsFoundBesideUnknownObjects(name: String) throws {
    #expect(try Checkpoint.read(path: fixturePath(name)).tensors == layer)
  }

  /// The class names of a file whose `meta` a pickle of protocol 0 makes.
  private func classNames(meta: String) throws -> [String] {
    let pickle =
      "}Vw\nctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI1\n"
      + "tQI0\n(I1\nt(I1\ntI00\n}tRsVmeta\n\(meta)s."
    let archive = ZipBuilder([
      ("x/data.pkl", Array(pickle.utf8)), ("x/data/0", bytes(Float(1).bitPattern)),
    ]).build()
    return try Checkpoint.read(file(archive)).classNames
  }

  @Test(arguments: [
    "}VCLASSES\n(Vcat\nVdog\nts", "}VCLASSES\n(Vcat\nVdog\nls",
    "}Vdataset_meta\n}Vclasses\n(Vcat\nVdog\ntss",
    "}VCLASSES\n(Vold\ntsVCLASSES\n(Vcat\nVdog\nts",
  ])
  func classNamesOfOlderAndNewerFilesAreRead(meta: String) throws {
    #expect(try classNames(meta: meta) == ["cat", "dog"])
  }

  @Test(arguments: [
    "N", "}VCLASSES\nNs", "}VCLASSES\n}s", "}VCLASSES\nVcat\ns", "}VCLASSES\n(Vcat\nI1\nts",
    "}VCLASSES\n(Vcat\nV\nts", "}VCLASSES\n(Vcat\nX\u{3}\0\0\0a\nbts", "}VCLASSES\n(ts",
    "}VCLASSES\n(V\(String(repeating: "x", count: 201))\nts",
    "}VCLASSES\n(\(String(repeating: "Vx\n", count: 70_000))ts",
  ])
  func whatIsNotAllNamesNamesNoClass(meta: String) throws {
    #expect(try classNames(meta: meta) == [])
  }

  @Test func classNamesAreLabelsIfThereIsOneForEachClass() throws {
    let tiny = TinyNetwork.segmenter
    var checkpoint = tiny.checkpoint()
    let network = try tiny.network(of: checkpoint)
    #expect(checkpoint.labels(of: network).labels.isEmpty)
    #expect(checkpoint.labels(of: network).note == nil)
    checkpoint.classNames = ["road", "sky", "tree"]
    #expect(checkpoint.labels(of: network).labels == ["road", "sky", "tree"])
    #expect(checkpoint.labels(of: network).note == "took its class names (--labels)")
    checkpoint.classNames.append("car")
    #expect(checkpoint.labels(of: network).labels.isEmpty)
    #expect(
      checkpoint.labels(of: network).note
        == "left out its 4 class names: the network has 3 classes (--labels)")
    var features = tiny
    features.features = true
    features.denseHead = nil
    features.inputHeight = 64
    checkpoint.classNames = ["road"]
    #expect(checkpoint.labels(of: try features.network()).note == nil)
  }

  @Test func everyTypeAndLayoutIsRead() throws {
    let tensors = try Checkpoint.read(path: fixturePath("types.pth")).tensors
    let base = ramp(24)
    func expect(_ name: String, _ shape: [Int], _ values: [Float]) {
      #expect(tensors[name] == FloatTensor(shape: shape, values: values), "\(name)")
    }
    expect("base", [4, 6], base)
    expect("transposed", [6, 4], (0..<24).map { base[$0 % 4 * 6 + $0 / 4] })
    expect("slice", [2, 3], [6, 8, 10, 12, 14, 16].map { base[$0] })
    expect("expanded", [3, 2], [-1, -0.75, -1, -0.75, -1, -0.75])
    expect("scalar", [], [2.5])
    expect("empty", [0, 3], [])
    for name in ["half", "bfloat16", "double"] { expect(name, [5], ramp(5)) }
    for name in ["int64", "int32", "int16", "uint8"] { expect(name, [5], [0, 1, 2, 3, 4]) }
    expect("int8", [5], [-2, -1, 0, 1, 2])
    expect("bool", [3], [1, 0, 1])
    expect("parameter", [2], ramp(2))
    #expect(tensors.count == 16)
  }

  @Test func untypedStoragesAndTensorSubclassesAreRead() throws {
    let tensor = FloatTensor(shape: [3], values: ramp(3))
    let tensors = try Checkpoint.read(path: fixturePath("untyped.pth")).tensors
    #expect(tensors == ["plain": tensor, "tagged": tensor])
  }

  @Test func nonFiniteValuesAreKeptAndFound() throws {
    let tensor = try Checkpoint.read(path: fixturePath("nonfinite.pth")).tensors["w"]
    #expect(tensor?.firstNonFinite == 1)
    #expect(FloatTensor(shape: [2], values: [0, -1]).firstNonFinite == nil)
  }

  @Test func whatCannotBeReadIsNamed() {
    #expect(fault("complex.pth")?.contains("tensor 'w'") == true)
    #expect(fault("complex.pth")?.contains("torch.ComplexFloatStorage") == true)
    #expect(fault("sparse.pth")?.contains("_rebuild_sparse_tensor") == true)
    #expect(fault("no-tensors.pth")?.contains("'epoch', 'lr'") == true)
    #expect(fault("big-endian.pth")?.contains("byte order 'big'") == true)
    #expect(fault("deflated.pth")?.contains("compression method 8") == true)
  }

  @Test func layoutInsideTheStorageIsRead() throws {
    let cases: [(String, String, String, [Int], [Float])] = [
      ("I0\n", "I2\nI2\n", "I2\nI1\n", [2, 2], [0, 1, 2, 3]),
      ("I0\n", "I2\nI2\n", "I1\nI2\n", [2, 2], [0, 2, 1, 3]),
      ("I3\n", "I1\nI1\n", "I9223372036854775807\nI9223372036854775807\n", [1, 1], [3]),
      ("I1\n", "I2\nI1\nI2\n", "I1\nI9223372036854775807\nI0\n", [2, 1, 2], [1, 1, 2, 2]),
      ("I99\n", "I0\n", "I1\n", [0], []),
    ]
    for (offset, shape, strides, sizes, values) in cases {
      let checkpoint = try Checkpoint.read(
        file(archive(offset: offset, shape: shape, strides: strides)))
      #expect(checkpoint.tensors == ["w": FloatTensor(shape: sizes, values: values)])
    }
  }

  @Test(arguments: [
    ("I0\n", "I5\n", "I1\n"), ("I1\n", "I4\n", "I1\n"), ("I0\n", "I2\nI2\n", "I3\nI1\n"),
    ("I-1\n", "I4\n", "I1\n"), ("I3\n", "I4\n", "I-1\n"), ("I0\n", "I-4\n", "I1\n"),
    ("I0\n", "I4\n", "I1\nI1\n"), ("I9223372036854775807\n", "I2\n", "I1\n"),
    ("I4\n", "", ""), ("I0\n", "I2\n", "I9223372036854775807\n"),
    ("I0\n", "I3\nI3\n", "I4611686018427387904\nI4611686018427387904\n"),
    ("I0\n", "I4294967296\nI4294967296\n", "I0\nI0\n"),
    ("I0\n", "I9223372036854775807\n", "I0\n"),
    ("I0\n", "I0\nI9223372036854775807\nI9223372036854775807\n", "I0\nI0\nI0\n"),
    ("I0\n", "I1000000\nI1000000\n", "I0\nI0\n"), ("I0\n", "F1.5\n", "I1\n"),
  ])
  func layoutOutsideTheStorageIsRejected(offset: String, shape: String, strides: String) {
    #expect(fault(archive(offset: offset, shape: shape, strides: strides)) != nil)
  }

  @Test func storageOfAnotherSizeIsRejected() {
    for count in [0, 3, 5, -1, Int.max, Int.max / 4 + 2] {
      #expect(fault(archive(shape: "I1\n", strides: "I1\n", count: count)) != nil)
    }
    #expect(
      fault(archive(shape: "I1\n", strides: "I1\n", key: "../0"))?.contains("x/data/../0") == true)
  }

  @Test func damagedStorageIsNoticed() throws {
    var content = try fixture("bare.pth")
    let archive = try ZipArchive(file(content))
    let storage = try archive.data(of: "archive/data/1")
    content[storage.lowerBound] ^= 1
    #expect(fault(content)?.contains("'archive/data/1' is damaged") == true)
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["bare.pth", "nested.pth", "untyped.pth"])
  func truncatedCheckpointIsRejectedAtEveryLength(name: String) throws {
    expectErrorAtEveryLength(of: try fixture(name)) { file throws(ImportError) in
      _ = try Checkpoint.read(file)
    }
  }

  @Test(
    .timeLimit(.minutes(1)), arguments: ["bare.pth", "nested.pth", "protocol4.pth", "types.pth"])
  func damagedCheckpointNeverCrashes(name: String) throws {
    let content = try fixture(name)
    let read = { (file: FileBytes) throws(ImportError) in _ = try Checkpoint.read(file) }
    expectNoCrash(mutating: content, rounds: 1_000, seed: 4, read)
    // Again without checksums, so that the damage gets past them.
    let unchecked = try ZipBuilder(unpacking: content).build()
    #expect(fault(unchecked) == nil)
    expectNoCrash(mutating: unchecked, rounds: 3_000, seed: 5, read)
  }
}
