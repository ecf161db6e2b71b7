// SPDX-License-Identifier: Apache-2.0

/// Why a kernel did not pass.
public enum CheckFailure: Error {
  /// A byte differs from what it must be.
  case mismatch(String)
  /// The system gave no memory for operands.
  case noMemory(bytes: Int)
  /// The row's features select another function.
  case notSelected(String)
  /// The check has no cases for an operation of the list.
  case unknownOperation(String)

  /// What happened, for people.
  public var text: String {
    switch self {
    case .mismatch(let text): text
    case .noMemory(let bytes): "no memory for an operand of \(bytes) bytes"
    case .notSelected(let name): "\(name): its features select another row"
    case .unknownOperation(let name): "\(name): the check has no cases for this operation"
    }
  }
}

/// A window of a byte comparison: rows from the first difference on, `x` where bytes differ.
func differenceMap(
  expected: UnsafeRawBufferPointer, found: UnsafeRawBufferPointer, rowBytes: Int, first: Int
) -> String {
  let width = max(rowBytes, 1), limit = 64
  let column = first % width / limit * limit
  var text = ""
  for row in first / width..<first / width + 12 {
    let start = row * width + column
    let end = min(start + min(limit, width - column), expected.count)
    guard start < end else { break }
    text += "  row \(row), byte \(column): "
    for i in start..<end { text += expected[i] == found[i] ? "." : "x" }
    text += "\n"
  }
  return text
}
