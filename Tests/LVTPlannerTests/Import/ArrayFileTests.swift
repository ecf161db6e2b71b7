// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LVTPlanner

struct ArrayFileTests {
  private func fault(_ name: String, _ tensor: String? = nil) -> String? {
    message { () throws(ImportError) in
      let file = try FileBytes(path: fixturePath(name))
      _ = try ArrayFile.read(file, named: tensor)
    }.map { String($0.split(separator: "/").last ?? "") }
  }

  @Test func tensorIsFoundByItsName() throws {
    let half = try ArrayFile.read(path: fixturePath("tensors.safetensors"), named: "half")
    #expect(half == FloatTensor(shape: [3], values: ramp(3)))
  }

  @Test func onlyTensorNeedsNoName() throws {
    let header = Array(#"{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}"#.utf8)
    let array = try ArrayFile.read(file(bytes(UInt64(header.count)) + header + [1, 0xFF]))
    #expect(array == FloatTensor(shape: [2], values: [1, -1]))
  }

  @Test func namesAreListedWhereOneIsMissing() {
    let names = "'bfloat16', 'empty', 'half', 'index', 'mask', 'module.weight', 'scalar'"
    #expect(
      fault("tensors.safetensors")
        == "tensors.safetensors: expected one tensor, or --tensor-name, found \(names)")
    #expect(
      fault("tensors.safetensors", "x")
        == "tensors.safetensors: expected tensor 'x', found \(names)"
    )
    let none = bytes(UInt64(2)) + Array("{}".utf8)
    #expect(
      message { () throws(ImportError) in _ = try ArrayFile.read(file(none)) }
        == "test: expected one tensor, or --tensor-name, found none")
  }

  @Test func arrayHasNoName() {
    #expect(
      fault("v1.npy", "x")
        == "v1.npy: expected a safetensors file with tensor 'x', found a .npy file, which has no names"
    )
  }

  /// Eight bytes of a NumPy array's version 1 come before its header's length, 123 or a brace here.
  @Test func arrayWhoseHeaderIsAsLongAsABraceIsAnArray() throws {
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"
    let header = text + String(repeating: " ", count: 122 - text.utf8.count) + "\n"
    let content = [0x93] + Array("NUMPY\u{1}\u{0}{\u{0}".utf8) + Array(header.utf8) + [0, 0, 0, 0]
    #expect(try ArrayFile.read(file(content)) == FloatTensor(shape: [1], values: [0]))
  }
}
