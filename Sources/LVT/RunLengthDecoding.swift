// SPDX-License-Identifier: Apache-2.0

/// Why counts are not the run lengths of a picture.
public enum RunLengthError: Error, Equatable, Sendable {
  /// A count below 0, or one that is too large.
  case count(index: Int, found: Int)
  /// The counts add up to another number of pixels than the picture has.
  case sum(found: Int, expected: Int)
  /// A byte that packed counts do not have.
  case byte(offset: Int, found: UInt8)
  /// The last count does not end, or has more digits than any number of pixels.
  case digits(offset: Int)
}

extension RunLengthError: CustomStringConvertible {
  /// One line: what was expected, what was found and where.
  public var description: String {
    switch self {
    case .count(let index, let found): "count \(index) from 0 is \(found), expected a run's length"
    case .sum(let found, let expected): "counts add up to \(found), expected \(expected) pixels"
    case .byte(let offset, let found):
      "byte \(found) at \(offset) of packed counts, expected 48 ... 111"
    case .digits(let offset):
      "the number at byte \(offset) of packed counts does not end, or is too long"
    }
  }
}

extension RunLengths {
  /// What counts say, which need not be as short as they could be.
  ///
  /// - Parameters:
  ///   - counts: Lengths of runs, the first of pixels that are not among them; each at least 0.
  ///   - pixels: Those of the picture, at least 0.
  public init(counts: some Sequence<Int>, pixels: Int) throws(RunLengthError) {
    self.init()
    var at = 0
    var index = 0
    for count in counts {
      guard count >= 0, count <= pixels else { throw .count(index: index, found: count) }
      guard count <= pixels - at else {
        let (sum, overflow) = at.addingReportingOverflow(count)
        throw .sum(found: overflow ? .max : sum, expected: pixels)
      }
      if index & 1 == 1 { add(at..<at + count) }
      at += count
      index += 1
    }
    guard at == pixels else { throw .sum(found: at, expected: pixels) }
    finish(at: pixels)
  }

  /// What packed counts say, as ``packed`` and pycocotools write them.
  ///
  /// - Parameter pixels: Those of the picture, at least 0.
  public init(packed: some Sequence<UInt8>, pixels: Int) throws(RunLengthError) {
    var counts: [Int] = []
    var (number, shift, start, offset) = (0, 0, 0, 0)
    for byte in packed {
      guard (48..<112).contains(byte) else { throw .byte(offset: offset, found: byte) }
      // Five bits each; what 50 bits hold is more than any picture's pixels.
      guard shift < 50 else { throw .digits(offset: start) }
      let group = Int(byte) - 48
      number |= (group & 31) << shift
      shift += 5
      offset += 1
      guard group & 32 == 0 else { continue }
      if group & 16 != 0 { number |= -1 << shift }
      let (count, overflow) = number.addingReportingOverflow(
        counts.count > 2 ? counts[counts.count - 2] : 0)
      guard !overflow, count >= 0, count <= pixels else {
        throw .count(index: counts.count, found: overflow ? .max : count)
      }
      counts.append(count)
      (number, shift, start) = (0, 0, offset)
    }
    guard shift == 0 else { throw .digits(offset: start) }
    try self.init(counts: counts, pixels: pixels)
  }
}
