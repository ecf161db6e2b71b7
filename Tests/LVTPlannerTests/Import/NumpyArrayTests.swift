// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LVTPlanner

struct NumpyArrayTests {
  /// A file of version 1 with the given header and as many bytes of data.
  private func fault(_ header: String, data: Int = 8) -> String? {
    let content =
      [0x93] + Array("NUMPY\u{1}\u{0}".utf8) + bytes(UInt16(header.utf8.count))
      + Array(header.utf8) + [UInt8](repeating: 0, count: data)
    return message { () throws(ImportError) in _ = try NumpyArray.read(file(content)) }
  }

  @Test(arguments: ["v1.npy", "v2.npy", "v3.npy", "double.npy"])
  func everyVersionIsRead(name: String) throws {
    let array = try ArrayFile.read(path: fixturePath(name))
    #expect(array == FloatTensor(shape: [2, 3], values: ramp(6)))
  }

  @Test func scalarAndVectorKeepTheirRank() throws {
    #expect(
      try ArrayFile.read(path: fixturePath("scalar.npy")) == FloatTensor(shape: [], values: [2.5]))
    #expect(
      try ArrayFile.read(path: fixturePath("vector.npy"))
        == FloatTensor(shape: [3], values: ramp(3)))
  }

  @Test(arguments: [
    ("fortran.npy", "Fortran order"), ("big-endian.npy", "'>f4'"), ("integers.npy", "'<i8'"),
    ("images.idx", "expected a .npy or .safetensors file"),
  ])
  func whatCannotBeReadIsNamed(name: String, words: String) {
    let error = message { () throws(ImportError) in
      _ = try ArrayFile.read(path: fixturePath(name))
    }
    #expect(error?.contains(words) == true, "\(error ?? "")")
  }

  @Test func membersMayComeInAnyOrder() {
    #expect(fault("{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}\n") == nil)
    #expect(fault(#"{"shape":(2),"fortran_order":False,"descr":"<f4",}"#) == nil)
  }

  @Test(arguments: [
    "(3,)", "(1,)", "()", "(-2,)", "(2,2)", "(9223372036854775807, 4)", "(9223372036854775808,)",
    "(0, 9223372036854775807, 9223372036854775807)", "(2", "2", "(2L,)", "(,)", "('2',)", "[2]",
    "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2)",
  ])
  func shapeThatDoesNotFitIsRejected(shape: String) {
    #expect(fault("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }") != nil)
  }

  @Test(arguments: [
    "", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (2,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", "{'descr: 1",
  ])
  func headerThatIsNoLegalOneIsRejected(header: String) {
    #expect(fault(header) != nil)
  }

  @Test(arguments: ["v1.npy", "v2.npy", "scalar.npy"])
  func truncatedFileIsRejectedAtEveryLength(name: String) throws {
    let content = try fixture(name)
    expectErrorAtEveryLength(of: content) { file throws(ImportError) in
      _ = try NumpyArray.read(file)
    }
    #expect(
      message { () throws(ImportError) in _ = try NumpyArray.read(file(content + [0])) } != nil)
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["v1.npy", "v3.npy", "double.npy"])
  func damagedFileNeverCrashes(name: String) throws {
    expectNoCrash(mutating: try fixture(name), rounds: 3_000, seed: 7) { file throws(ImportError) in
      _ = try NumpyArray.read(file)
    }
  }
}
