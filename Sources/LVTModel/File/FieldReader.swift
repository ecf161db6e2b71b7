// SPDX-License-Identifier: Apache-2.0

/// Reads the little-endian fields of one section, never past its end.
struct FieldReader: FieldCoder {
  private let bytes: UnsafeRawBufferPointer
  private let section: PlanFormat.Section
  private var position = 0

  init(_ sections: SectionTable, _ section: PlanFormat.Section) {
    bytes = sections[section]
    self.section = section
  }

  private mutating func take(_ count: Int) throws(PlanError) -> Int {
    guard count <= bytes.count - position else {
      throw .truncated(what: section.name, expected: position + count, found: bytes.count)
    }
    defer { position += count }
    return position
  }

  /// The section must have been read to its end.
  func end() throws(PlanError) {
    try require(
      position == bytes.count, section.name, "\(position) bytes", "\(bytes.count)")
  }

  func require(
    _ condition: Bool, _ location: @autoclosure () -> String, _ expected: @autoclosure () -> String,
    _ found: @autoclosure () -> String
  ) throws(PlanError) {
    if !condition { throw .invalid(where: location(), expected: expected(), found: found()) }
  }

  mutating func integer<T: FixedWidthInteger>(_ value: inout T) throws(PlanError) {
    value = T(
      littleEndian: bytes.loadUnaligned(fromByteOffset: try take(T.bitWidth / 8), as: T.self))
  }

  mutating func text(_ value: inout String) throws(PlanError) {
    var length = 0
    try index(&length)
    try require(
      length <= PlanLimits.textBytes, section.name,
      "texts of at most \(PlanLimits.textBytes) bytes",
      "\(length)")
    let start = try take(length)
    value = String(decoding: bytes[start..<start + length], as: UTF8.self)
  }

  mutating func operation(_ value: inout Step.Operation) throws(PlanError) {
    var code: UInt32 = 0
    try integer(&code)
    value = try .decode(code, from: &self)
  }

  /// What has fields, read.
  mutating func read<T: FieldCodable>() throws(PlanError) -> T {
    var value = T()
    try code(&value)
    return value
  }
}
