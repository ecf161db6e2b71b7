// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing

@testable import LVTPlanner

struct SafetensorsReaderTests {
  /// A file with the given header and as many bytes of data.
  private func content(_ header: String, data: Int = 8, length: UInt64? = nil) -> [UInt8] {
    bytes(length ?? UInt64(header.utf8.count)) + Array(header.utf8)
      + [UInt8](repeating: 0, count: data)
  }

  private func fault(_ content: [UInt8]) -> String? {
    message { () throws(ImportError) in _ = try SafetensorsReader(file(content)).tensors() }
  }

  private func entry(
    _ name: String, _ start: Int, _ end: Int, shape: String = "[1]", type: String = "F32"
  ) -> String {
    #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(start),\#(end)]}"#
  }

  @Test func everyTypeIsRead() throws {
    let checkpoint = try Checkpoint.read(path: fixturePath("tensors.safetensors"))
    #expect(
      checkpoint.tensors == [
        "module.weight": FloatTensor(shape: [2, 3], values: ramp(6)),
        "half": FloatTensor(shape: [3], values: ramp(3)),
        "bfloat16": FloatTensor(shape: [2], values: ramp(2)),
        "index": FloatTensor(shape: [2], values: [3, -4]),
        "mask": FloatTensor(shape: [3], values: [1, 0, 1]),
        "scalar": FloatTensor(shape: [], values: [2.5]),
        "empty": FloatTensor(shape: [0, 4], values: []),
      ])
  }

  @Test func orderAndSpaceDoNotMatter() {
    let header = " {\n\(entry("b", 4, 8)) ,\t\(entry("a", 0, 4)) } \n "
    #expect(fault(content(header)) == nil)
    #expect(fault(content("{}", data: 0)) == nil)
    #expect(
      fault(content(#"{"__metadata__":{"format":"pt","\u00e9\ud83d\ude00":"\n"}}"#, data: 0)) == nil
    )
  }

  @Test func lengthOfHeaderThatSpellsAPickleIsNoPickle() throws {
    // 640 is 80 02 in bytes: the beginning of a pickle of protocol 2.
    let header = "{\(entry("a", 0, 8, shape: "[2]"))}"
    let padded = header + String(repeating: " ", count: 640 - header.utf8.count)
    #expect(try Checkpoint.read(file(content(padded))).tensors["a"]?.values == [0, 0])
  }

  @Test(arguments: [3, 1_000, 100_000_001, UInt64(Int.max), UInt64(Int.max) + 1, .max] as [UInt64])
  func lengthOutsideTheFileIsRejected(length: UInt64) {
    #expect(fault(content("{}", data: 0, length: length)) != nil)
  }

  @Test func rangesThatDoNotTileTheDataAreRejected() {
    let faults = [
      "{\(entry("a", 0, 4))}",  // a rest
      "{\(entry("a", 4, 8))}",  // a gap before
      "{\(entry("a", 0, 4)),\(entry("b", 8, 12))}",  // a gap between
      "{\(entry("a", 0, 4)),\(entry("b", 0, 4)),\(entry("c", 4, 8))}",  // an overlap
      "{\(entry("a", 0, 8, shape: "[2]")),\(entry("b", 4, 8))}",
      "{\(entry("a", 0, 4)),\(entry("b", 4, 12, shape: "[2]"))}",  // outside the file
      "{\(entry("a", 4, 0)),\(entry("b", 4, 8))}",  // backwards
      "{\(entry("a", 0, .max))}",
      "{}",
    ]
    for header in faults { #expect(fault(content(header)) != nil, "\(header)") }
  }

  @Test(arguments: [
    "[3]", "[1]", "[]", "[2,2]", "[0]", "[9223372036854775807,4]", "[4294967296,4294967296]",
    "[0,9223372036854775807,9223372036854775807]", "[-2]", "[2.5]", "[02]", "[\"2\"]", "2",
    "[9223372036854775808]", "[,2]", "[2", "null", "[[2]]", "[true]", "{\"2\":2}", "[2e999]",
    "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]",
  ])
  func shapeThatDoesNotFitIsRejected(shape: String) {
    #expect(fault(content("{\(entry("a", 0, 8, shape: shape))}")) != nil)
  }

  /// Alike in all: whichever a parser keeps, the ranges tile the data.
  @Test(arguments: [
    #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
    #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"\u0061":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}"#,
    // One letter of one code point and of two: equal as Swift compares strings.
    #""\u00e9":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"e\u0301":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
    #""a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
    #""a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}"#,
    #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]}"#,
    #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"sh\u0061pe":[2]}"#,
    #""__metadata__":{},"__metadata__":{},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
    #""__metadata__":{"m":"","m":""},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
    #""a\"":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a\"":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
    #""a\\":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a\\":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
    #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":[[],{}]}"#,
  ])
  func memberThatAParserWouldDropIsRejected(members: String) {
    #expect(fault(content("{\(members)}"))?.contains("some repeated or unknown") == true)
  }

  @Test func repeatedNameOfAnEmptyTensorIsRejected() {
    let empty = entry("a", 0, 0, shape: "[0]")
    #expect(fault(content("{\(empty)}", data: 0)) == nil)
    #expect(
      fault(content("{\(empty),\(empty)}", data: 0))
        == "test: at byte 8: expected names that differ, each with a dtype, a shape and "
        + "data_offsets once, found some repeated or unknown: 10 strings where 1 members take 5")
  }

  @Test(arguments: [#"a\"b"#, #"a\\"#, #"\\\""#, #"\u0022"#, #"\ud83d\ude00"#, "ä"])
  func escapesInNamesAreNoStrings(name: String) {
    #expect(fault(content("{\(entry(name, 0, 8, shape: "[2]"))}")) == nil)
  }

  /// The decoder is laxer than the format where the meaning is plain.
  @Test(arguments: ["[2.0]", "[2e0]", "[2,]"])
  func wholeNumberMayBeWrittenOtherwise(shape: String) throws {
    let read = try SafetensorsReader(file(content("{\(entry("a", 0, 8, shape: shape))}"))).tensors()
    #expect(read.map { $0.tensor.shape } == [[2]])
  }

  @Test func headerInUTF16IsRejected() {
    let header = "{\(entry("a", 0, 8, shape: "[2]"))}".utf16.flatMap { bytes($0) }
    let content = bytes(UInt64(header.count)) + header + [UInt8](repeating: 0, count: 8)
    #expect(
      fault(content)
        == "test: at byte 8: expected a safetensors header in UTF-8, found one with a byte of 0")
  }

  @Test func faultIsNamedWithItsPlace() {
    let cases = [
      ("{\(entry("a", 0, 8, shape: "[null]"))}", "'a.shape.0': expected Int"),
      (#"{"a":{"dtype":"F32","shape":[2]}}"#, "expected 'a.data_offsets'"),
      (#"{"__metadata__":{"m":[]}}"#, "'__metadata__.m': expected String"),
    ]
    for (header, expected) in cases {
      #expect(
        fault(content(header))
          == "test: at byte 8: expected a safetensors header, found a fault in it: \(expected)")
    }
  }

  @Test(arguments: [
    "{\"a\":1}", "{\"a\":{}}", "[]", "{\"a\"}", "{a:{}}", "{\"\\x\":{}}", "{\"\\ud800\":{}}",
    "{\"\\ud800\\u0041\":{}}", "{\"\u{1}\":{}}", "{} {}", "{\"__metadata__\":{\"a\":1}}", "{,}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}",
    "{\"__metadata__\":{\"a\":{\"a\":{}}}}", "{\"a\":null}", "{\"__metadata__\":null}", "", "1",
    "\"a\"", "null",
    "{\"a\":{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,\"8\"]}}",
  ])
  func headerThatIsNoLegalOneIsRejected(header: String) {
    #expect(fault(content(header)) != nil)
    #expect(fault(content(header, data: 0)) != nil)
  }

  @Test func typeThatCannotBeReadIsNamed() {
    let header = "{\(entry("a", 0, 8, shape: "[8]", type: "F8_E4M3"))}"
    #expect(
      fault(content(header))
        == "test: tensor 'a': expected real or integer elements, found type 'F8_E4M3'")
  }

  /// On a small stack: it must be the depth that is refused, before any recursion follows it.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      "{\"a\":", "[", "{\"a\":{\"shape\":[", "{\"__metadata__\":{\"a\":[",
    ])
  func deepNestingIsRejected(opening: String) {
    let deep = content(String(repeating: opening, count: 1_000_000 / opening.utf8.count))
    let done = DispatchSemaphore(value: 0)
    let result = Mutex<String?>(nil)
    let thread = Thread {
      let message = fault(deep)
      result.withLock { $0 = message }
      done.signal()
    }
    thread.stackSize = 512 << 10
    thread.start()
    done.wait()
    #expect(result.withLock { $0 }?.contains("a fault in it") == true)
  }

  @Test func headerOverTheLimitIsRejected() {
    let limit = SafetensorsReader.maximumHeaderByteCount
    let message = fault(content("{}", data: 0, length: UInt64(limit) + 1))
    #expect(message?.hasSuffix("is over the limit of \(limit)") == true)
    #expect(fault(content("{}" + String(repeating: " ", count: limit - 2), data: 0)) == nil)
  }

  @Test func truncatedFileIsRejectedAtEveryLength() throws {
    expectErrorAtEveryLength(of: try fixture("tensors.safetensors")) { file throws(ImportError) in
      _ = try Checkpoint.read(file)
    }
  }

  @Test(.timeLimit(.minutes(1))) func damagedFileNeverCrashes() throws {
    let content = try fixture("tensors.safetensors")
    expectNoCrash(mutating: content, rounds: 5_000, seed: 6) { file throws(ImportError) in
      _ = try SafetensorsReader(file).tensors()
    }
  }
}
