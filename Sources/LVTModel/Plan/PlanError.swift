// SPDX-License-Identifier: Apache-2.0

/// Why a plan file was refused.
///
/// The descriptions are one line and do not name the file; the caller, who knows its name, puts it
/// in front.
public enum PlanError: Error, Equatable, Sendable {
  /// The file could not be opened or mapped.
  case unreadable(reason: String)
  /// The file does not start as a plan does.
  case notAPlan
  /// The plan was written for another version of the runtime.
  case unsupportedVersion(found: Int, supported: Int)
  /// A step is of a kind that this runtime does not know.
  case unknownOperation(code: UInt32)
  /// The file, or a section of it, ends too early; or the file is longer than its header says.
  case truncated(what: String, expected: Int, found: Int)
  /// The bytes of a section are not those that were written.
  case damaged(section: String)
  /// A run is more work than ``PlanLimits/work``.
  case tooMuchWork(needed: Int, limit: Int)
  /// A value that no plan may hold.
  case invalid(where: String, expected: String, found: String)
}

extension PlanError: CustomStringConvertible {
  /// What was expected, what was found and where.
  public var description: String {
    switch self {
    case .unreadable(let reason): "cannot be read: \(reason)"
    case .notAPlan: "not a plan: the file does not start with LVTPLAN"
    case .unsupportedVersion(let found, let supported):
      "plan format version \(found), but this runtime reads version \(supported): "
        + (found > supported ? "update lvt" : "compile the network again with lvt-plan")
    case .unknownOperation(let code):
      "the plan has a step of kind \(code) that this runtime does not know: update lvt"
    case .truncated(let what, let expected, let found):
      "\(what) is cut short: expected \(expected) bytes, found \(found)"
    case .damaged(let section): "damaged: the checksum of the \(section) does not match"
    case .tooMuchWork(let needed, let limit):
      "a run of the plan takes the work of \(needed) multiplications, more than the limit of \(limit)"
    case .invalid(let location, let expected, let found):
      "invalid plan: \(location): expected \(expected), found \(found)"
    }
  }
}
