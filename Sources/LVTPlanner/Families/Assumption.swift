// SPDX-License-Identifier: Apache-2.0

/// Something that decides a network's result, that its tensors do not tell, and what was taken for it.
public struct Assumption: Equatable, Sendable, CustomStringConvertible {
  /// What was assumed, as in `heads 3, 6, 12, 24`.
  public let what: String
  /// The option of `lvt-plan` that says otherwise.
  public let option: String

  /// An assumption.
  public init(what: String, option: String) {
    self.what = what
    self.option = option
  }

  /// The assumption with its option in parentheses.
  public var description: String { "\(what) (\(option))" }
}
