// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// Why an engine could not be made.
public enum EngineError: Error, Equatable, Sendable {
  /// The system refused the arena.
  case outOfMemory(bytes: Int)
  /// More threads than the pool can have, or none, or the system refused to start them.
  case threads(requested: Int)
  /// The CPU lacks the instruction set that was asked for.
  case unavailable(ISA)
}

extension EngineError: CustomStringConvertible {
  /// One line: what was asked for and what there is.
  public var description: String {
    switch self {
    case .outOfMemory(let bytes): "no memory for an arena of \(bytes) bytes"
    case .threads(let requested): "cannot run \(requested) threads; 1 ... 64 are possible"
    case .unavailable(let isa):
      "this CPU does not have \(isa.name); it has "
        + ISA.available.map { $0.name }.joined(separator: ", ")
    }
  }
}
