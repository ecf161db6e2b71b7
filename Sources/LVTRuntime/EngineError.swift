// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// Why an engine could not be made.
public enum EngineError: Error, Equatable, Sendable {
  /// Arena and scratch need more than the machine, its control groups or the process's limits leave.
  /// Nothing was allocated.
  case memory(needed: Int, available: Int)
  /// The system refused memory that seemed to be there.
  case outOfMemory(bytes: Int)
  /// More threads than the pool can have, or none.
  case threads(requested: Int)
  /// The system refused to start the threads.
  case threadsRefused(requested: Int, reason: String)
  /// Processors that do not exist, or that this process may not use.
  case processors(requested: ProcessorSet, allowed: ProcessorSet)
  /// Fewer processors than threads that want one each.
  case tooFewProcessors(ProcessorSet, threads: Int)
  /// The system refused to place a thread.
  case placement(reason: String)
  /// The CPU lacks the instruction set that was asked for.
  case unavailable(ISA)
}

extension EngineError: CustomStringConvertible {
  /// One line: what was asked for and what there is.
  public var description: String {
    switch self {
    case .memory(let needed, let available):
      "arena and scratch need \(needed) bytes of memory, found \(available)"
    case .outOfMemory(let bytes): "no memory for an arena of \(bytes) bytes"
    case .threads(let requested): "expected 1 ... \(PlanLimits.threads) threads, found \(requested)"
    case .threadsRefused(let requested, let reason):
      "cannot start \(requested) threads: \(reason)"
    case .processors(let requested, let allowed):
      "cannot run on processors \(requested); this process may use \(allowed)"
    case .tooFewProcessors(let set, let threads):
      "\(threads) threads want a processor each, found \(set.numbers.count): \(set)"
    case .placement(let reason): "cannot place a thread: \(reason)"
    case .unavailable(let isa):
      "this CPU does not have \(isa.name); it has "
        + ISA.available.map { $0.name }.joined(separator: ", ")
    }
  }
}
