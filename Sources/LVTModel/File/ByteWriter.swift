// SPDX-License-Identifier: Apache-2.0

/// Appends little-endian fields.
struct ByteWriter: FieldCoder {
  var bytes: [UInt8] = []

  mutating func append<T: FixedWidthInteger>(_ value: T) {
    for i in 0..<(T.bitWidth / 8) { bytes.append(UInt8(truncatingIfNeeded: value >> T(8 * i))) }
  }

  mutating func integer<T: FixedWidthInteger>(_ value: inout T) { append(value) }

  mutating func text(_ value: inout String) {
    let utf8 = Array(value.utf8.prefix(PlanLimits.textBytes))
    append(UInt32(utf8.count))
    bytes += utf8
  }

  mutating func operation(_ value: inout Step.Operation) {
    append(value.traits.code)
    var body = OperationWriter(writer: self)
    value.visit(&body)
    self = body.writer
  }

  func require(
    _ condition: Bool, _ location: @autoclosure () -> String, _ expected: @autoclosure () -> String,
    _ found: @autoclosure () -> String
  ) {}
}

private struct OperationWriter: StepVisitor {
  typealias Result = Void
  typealias Failure = Never
  var writer: ByteWriter

  mutating func visit<S: StepOperation>(_ step: S) {
    var step = step
    step.fields(&writer)
  }
}
