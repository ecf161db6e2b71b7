// SPDX-License-Identifier: Apache-2.0

/// Goes through the fields of a plan file in order, and reads or writes each.
///
/// What stands in a file is said once, by ``FieldCodable/fields(_:)``: ``FieldReader`` fills the fields with
/// what it reads, ``ByteWriter`` leaves them as they are.
protocol FieldCoder {
  /// Why a field cannot be read; never for a writer.
  associatedtype Failure: Error

  /// A little-endian integer.
  mutating func integer<T: FixedWidthInteger>(_ value: inout T) throws(Failure)
  /// The number of bytes as a `UInt32`, then UTF-8.
  mutating func text(_ value: inout String) throws(Failure)
  /// The operation's code, then its fields.
  mutating func operation(_ value: inout Step.Operation) throws(Failure)
  /// A reader throws unless the condition holds, a writer trusts what it writes.
  func require(
    _ condition: Bool, _ location: @autoclosure () -> String, _ expected: @autoclosure () -> String,
    _ found: @autoclosure () -> String
  ) throws(Failure)
}

/// What has fields in a plan file.
protocol FieldCodable {
  /// Fields of no meaning, to be filled.
  init()
  /// Hands every field to the coder, in the file's order.
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure)
}

extension FieldCoder {
  mutating func code<T: FieldCodable>(_ value: inout T) throws(Failure) { try value.fields(&self) }

  /// A number or an index, as a `UInt32`.
  mutating func index(_ value: inout Int) throws(Failure) {
    var word = UInt32(value)
    try integer(&word)
    value = Int(word)
  }

  /// A zero point or bound, as an `Int32`.
  mutating func signed(_ value: inout Int) throws(Failure) {
    var word = Int32(value)
    try integer(&word)
    value = Int(word)
  }

  mutating func float(_ value: inout Float) throws(Failure) {
    var bits = value.bitPattern
    try integer(&bits)
    value = Float(bitPattern: bits)
  }

  mutating func double(_ value: inout Double) throws(Failure) {
    var bits = value.bitPattern
    try integer(&bits)
    value = Double(bitPattern: bits)
  }

  /// A size of at most `limit`, as a `UInt64`.
  mutating func size(_ value: inout Int, _ what: String, limit: Int) throws(Failure) {
    var word = UInt64(value)
    try integer(&word)
    try require(word <= UInt64(limit), what, "at most \(limit)", "\(word)")
    value = Int(truncatingIfNeeded: word)
  }

  /// An offset in the constants.
  mutating func offset(_ value: inout Int) throws(Failure) {
    try size(&value, "constant offset", limit: Int(UInt32.max))
  }

  /// One of the numbers that stand for something.
  mutating func choice<T: RawRepresentable>(
    _ value: inout T, _ what: String, _ expected: String
  ) throws(Failure) where T.RawValue == UInt32 {
    var number = value.rawValue
    try integer(&number)
    let known = T(rawValue: number)
    try require(known != nil, what, expected, "\(number)")
    value = known ?? value
  }

  /// Whether something is so, as 0 or 1.
  mutating func flag(_ value: inout Bool) throws(Failure) {
    var word: UInt32 = value ? 1 : 0
    try integer(&word)
    try require(word <= 1, "a flag", "0 or 1", "\(word)")
    value = word == 1
  }

  /// Whether there is a value, as 0 or 1, then the value if there is.
  mutating func optional<T: FieldCodable>(_ value: inout T?) throws(Failure) {
    guard try isPresent(value != nil) else { return value = nil }
    var present = value ?? T()
    try code(&present)
    value = present
  }

  mutating func optionalIndex(_ value: inout Int?) throws(Failure) {
    guard try isPresent(value != nil) else { return value = nil }
    var present = value ?? 0
    try index(&present)
    value = present
  }

  mutating func optionalOffset(_ value: inout Int?) throws(Failure) {
    guard try isPresent(value != nil) else { return value = nil }
    var present = value ?? 0
    try offset(&present)
    value = present
  }

  private mutating func isPresent(_ isPresent: Bool) throws(Failure) -> Bool {
    var flag: UInt32 = isPresent ? 1 : 0
    try integer(&flag)
    try require(flag <= 1, "presence of a field", "0 or 1", "\(flag)")
    return flag == 1
  }

  /// A number of entries, then the entries.
  mutating func list<T>(
    _ items: inout [T], _ what: String, limit: Int = PlanLimits.entries, _ empty: T,
    _ body: (inout Self, inout T) throws(Failure) -> Void
  ) throws(Failure) {
    var count = items.count
    try index(&count)
    try require(count <= limit, what, "at most \(limit) entries", "\(count)")
    items = (0..<count).map { $0 < items.count ? items[$0] : empty }
    for i in items.indices { try body(&self, &items[i]) }
  }

  mutating func list<T: FieldCodable>(
    _ items: inout [T], _ what: String, limit: Int = PlanLimits.entries
  ) throws(Failure) {
    try list(&items, what, limit: limit, T()) { (c, item) throws(Failure) in try c.code(&item) }
  }
}

extension Float: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) { try c.float(&self) }
}

extension UInt64: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) { try c.integer(&self) }
}

extension String: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) { try c.text(&self) }
}

extension SIMD4: FieldCodable where Scalar == Int8 {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    for i in indices { try c.integer(&self[i]) }
  }
}
