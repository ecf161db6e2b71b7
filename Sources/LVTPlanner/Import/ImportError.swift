// SPDX-License-Identifier: Apache-2.0
internal import LVT

/// Why a checkpoint, an array or a data set could not be read.
///
/// Every case names the file. `description` is one line: what was expected, what was found, where.
/// Text that comes from the file itself is escaped and shortened there, so that a hostile name can
/// neither break the line nor flood the terminal; the payloads keep it as it was.
public enum ImportError: Error, Equatable, Sendable {
  /// The file could not be opened or is not a regular file. Nothing of it was read.
  case cannotRead(file: String, reason: String)

  /// The content is of a known format that holds networks otherwise.
  case foreign(file: String, kind: String, advice: String)

  /// The content is none of the formats that the reader knows.
  case unknownFormat(file: String, expected: String, found: String)

  /// The file, or a part of it that has a stated length, ends too early.
  case truncated(file: String, offset: Int, expected: String, available: Int)

  /// The bytes at `offset` break the rules of their format.
  case malformed(file: String, offset: Int, expected: String, found: String)

  /// The file is legal, but uses a feature that this reader leaves out on purpose.
  case unsupported(file: String, offset: Int, feature: String, advice: String)

  /// The file asks for more work or memory than any honest file needs.
  case limitExceeded(file: String, offset: Int, quantity: String, limit: Int)

  /// A stored checksum disagrees with the bytes it covers: the file is damaged.
  case checksumMismatch(file: String, entry: String, offset: Int, expected: UInt32, found: UInt32)

  /// One tensor's description disagrees with its data, or has a type that cannot be read.
  case badTensor(file: String, tensor: String, expected: String, found: String)

  /// The file is sound but something it must hold is not in it.
  case missing(file: String, expected: String, found: String)
}

extension ImportError: CustomStringConvertible {
  /// One line for a terminal, without a trailing newline.
  public var description: String {
    switch self {
    case .cannotRead(let file, let reason):
      "\(shown(file)): cannot be read: \(shown(reason))"
    case .foreign(let file, let kind, let advice):
      "\(shown(file)): \(kind); \(terminalText(advice, limit: 400))"
    case .unknownFormat(let file, let expected, let found):
      "\(shown(file)): expected \(shown(expected)), found \(shown(found))"
    case .truncated(let file, let offset, let expected, let available):
      "\(shown(file)): at byte \(offset): expected \(shown(expected)), "
        + "found the end after \(available) bytes"
    case .malformed(let file, let offset, let expected, let found):
      "\(shown(file)): at byte \(offset): expected \(shown(expected)), found \(shown(found))"
    case .unsupported(let file, let offset, let feature, let advice):
      "\(shown(file)): at byte \(offset): \(shown(feature)) is not supported: \(shown(advice))"
    case .limitExceeded(let file, let offset, let quantity, let limit):
      "\(shown(file)): at byte \(offset): \(shown(quantity)) is over the limit of \(limit)"
    case .checksumMismatch(let file, let entry, let offset, let expected, let found):
      "\(shown(file)): at byte \(offset): '\(shown(entry))' is damaged: expected CRC-32 "
        + "\(hex(expected)), found \(hex(found))"
    case .badTensor(let file, let tensor, let expected, let found):
      "\(shown(file)): tensor '\(shown(tensor))': expected \(shown(expected)), "
        + "found \(shown(found))"
    case .missing(let file, let expected, let found):
      "\(shown(file)): expected \(shown(expected)), found \(shown(found))"
    }
  }
}

/// Text of the file, shortened.
private func shown(_ text: String) -> String { terminalText(text, limit: 200) }

/// Returns eight hexadecimal digits after `0x`.
func hex(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}
