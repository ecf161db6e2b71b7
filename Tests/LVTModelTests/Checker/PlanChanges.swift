// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport
import Testing

@testable import LVTModel

/// Plans that are sound as files and wrong in what they say: each test makes one change to a sound plan, and
/// names the words with which the reader must refuse it.
@Suite enum PlanCheckerTests {}

extension HandmadePlan {
  /// The plan with its memory laid out.
  func placed() -> HandmadePlan {
    var plan = self
    plan.place()
    return plan
  }

  /// The first multiple of 64 behind the constants.
  var end: Int { (constants.count + 63) / 64 * 64 }

  /// Expects the plan to be read.
  func expectValid(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout HandmadePlan) -> Void = { _ in }
  ) {
    var changed = self
    change(&changed)
    #expect(throws: Never.self, sourceLocation: sourceLocation) { try plan(changed.bytes) }
  }

  /// Expects an error with these words after a change.
  func expectInvalid(
    _ words: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout HandmadePlan) -> Void
  ) {
    var changed = self
    change(&changed)
    expectRefusal(words, changed.bytes, sourceLocation: sourceLocation)
  }

  /// The offset in the file of the first byte of a section that a change alters.
  func firstDifference(
    in section: PlanFormat.Section, _ change: (inout HandmadePlan) -> Void
  ) -> Int {
    var changed = self
    change(&changed)
    let (old, new) = (bytes, changed.bytes)
    let range = section.range(in: old)
    return range.first { old[$0] != new[$0] } ?? range.upperBound
  }

  /// Expects an error with these words after a change of the file's bytes, whose checksums are made right.
  func expectInvalidBytes(
    _ words: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout [UInt8]) -> Void
  ) {
    var changed = bytes
    change(&changed)
    PlanFormat.seal(&changed, hashed: false)
    expectRefusal(words, changed, sourceLocation: sourceLocation)
  }
}

/// Expects an error with these words.
func expectRefusal(
  _ words: String, _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = #expect(throws: PlanError.self, sourceLocation: sourceLocation) { try plan(bytes) }
  #expect(
    error?.description.contains(words) == true, "\(error?.description ?? "no error")",
    sourceLocation: sourceLocation)
}

extension PlanFormat.Section {
  /// The offset of the section's record in the table.
  var record: Int {
    PlanFormat.headerBytes + (Int(rawValue) - 1) * PlanFormat.sectionRecordBytes
  }

  /// Where the section lies.
  func range(in file: [UInt8]) -> Range<Int> {
    func number(_ at: Int) -> Int { file[at..<at + 8].reversed().reduce(0) { $0 << 8 | Int($1) } }
    let start = number(record + 8)
    return start..<start + number(record + 16)
  }
}

/// A step of a sound plan, to be changed field by field.
struct CheckedStep<Operation: Sendable>: Sendable {
  let plan: HandmadePlan
  let index: Int
  let step: Operation
  let wrap: @Sendable (Operation) -> Step.Operation

  /// A step that the plan has at the index.
  init(
    _ plan: HandmadePlan, _ index: Int, _ step: Operation,
    _ wrap: @escaping @Sendable (Operation) -> Step.Operation
  ) {
    self.plan = plan.placed()
    self.index = index
    self.step = step
    self.wrap = wrap
  }

  func expectInvalid(
    _ words: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout Operation) -> Void
  ) {
    plan.expectInvalid(words, sourceLocation: sourceLocation) { plan in
      var step = step
      change(&step)
      plan.contents.steps[index].operation = wrap(step)
    }
  }

  /// Expects constants that do not lie where the change puts them to be refused: behind the end, and on no
  /// multiple of 64.
  func expectPlaced(
    sourceLocation: SourceLocation = #_sourceLocation, _ offset: WritableKeyPath<Operation, Int>
  ) {
    for change in [plan.end, step[keyPath: offset] + 4] {
      expectInvalid("constants at a multiple of 64", sourceLocation: sourceLocation) {
        $0[keyPath: offset] = change
      }
    }
  }

  /// Expects floats of the constants to be refused with these words.
  func expectInvalid(
    _ words: String, _ values: [Float], at offset: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for value in values {
      plan.expectInvalid(words, sourceLocation: sourceLocation) {
        $0.constants.store(value.bitPattern, at: offset)
      }
    }
  }

  /// Expects the step to be refused with less scratch, and to be accepted as it is.
  func expectSound(sourceLocation: SourceLocation = #_sourceLocation) {
    plan.expectValid(sourceLocation: sourceLocation)
    plan.expectInvalid("bytes of scratch", sourceLocation: sourceLocation) {
      $0.contents.steps[index].scratchBytes -= 64
    }
  }
}

extension CheckedStep {
  /// Expects every field of a LayerNorm over 8 channels to be checked.
  func expectChecked(
    sourceLocation: SourceLocation = #_sourceLocation,
    norm: WritableKeyPath<Operation, LayerNorm>, channels: Int = 8
  ) {
    let here = sourceLocation
    expectInvalid("LayerNorm over \(channels)", sourceLocation: here) {
      $0[keyPath: norm].channels += 1
    }
    expectPlaced(sourceLocation: here, norm.appending(path: \.gammaOffset))
    expectPlaced(sourceLocation: here, norm.appending(path: \.betaOffset))
    for epsilon in [0, Float(0x1p-40).nextDown, -1, .infinity, .nan] {
      expectInvalid("an epsilon of at least", sourceLocation: here) {
        $0[keyPath: norm].epsilon = epsilon
      }
    }
    for zeroPoint in [-129, 128] {
      expectInvalid("a zero point in", sourceLocation: here) {
        $0[keyPath: norm].outputZeroPoint = zeroPoint
      }
    }
    let offsets = [step[keyPath: norm].gammaOffset, step[keyPath: norm].betaOffset]
    for offset in offsets {
      expectInvalid("finite constants", [.nan, .infinity], at: offset, sourceLocation: here)
      guard channels % 16 != 0 else { continue }
      let padding = offset + 4 * channels
      expectInvalid(
        "zeros behind the LayerNorm's constants", [1], at: padding, sourceLocation: here)
    }
  }

  /// Expects every field of a matrix to be checked, and its panels.
  func expectChecked(
    sourceLocation: SourceLocation = #_sourceLocation,
    matrix: WritableKeyPath<Operation, PackedMatrix>, changesForm: Bool = false
  ) {
    let here = sourceLocation
    expectInvalid("a matrix of", sourceLocation: here) { $0[keyPath: matrix].k += 1 }
    expectInvalid(changesForm ? "an output of" : "a matrix of", sourceLocation: here) {
      $0[keyPath: matrix].n += 1
    }
    expectPlaced(sourceLocation: here, matrix.appending(path: \.offset))
    for value in [-129, 128] {
      expectInvalid("zero point and lower bound", sourceLocation: here) {
        $0[keyPath: matrix].outputZeroPoint = value
      }
      expectInvalid("zero point and lower bound", sourceLocation: here) {
        $0[keyPath: matrix].lowerBound = value
      }
    }
    plan.expectInvalid("within their ranges", sourceLocation: here) {
      $0.constants[step[keyPath: matrix].offset + PackedMatrix.headerBytes] = 0x80
    }
  }

  /// Expects an odd kernel of 1 … 15.
  func expectChecked(
    sourceLocation: SourceLocation = #_sourceLocation, kernel: WritableKeyPath<Operation, Int>
  ) {
    for edge in [0, 4, 17] {
      expectInvalid("an odd kernel", sourceLocation: sourceLocation) {
        $0[keyPath: kernel] = edge
      }
    }
  }

  /// Expects a float of 0 … `limit`.
  func expectChecked(
    _ words: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ multiplier: WritableKeyPath<Operation, Float>, limit: Float
  ) {
    for value in [-Float.leastNonzeroMagnitude, limit.nextUp, .infinity, .nan] {
      expectInvalid(words, sourceLocation: sourceLocation) { $0[keyPath: multiplier] = value }
    }
  }
}
