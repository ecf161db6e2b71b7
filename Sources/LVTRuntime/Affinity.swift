// SPDX-License-Identifier: Apache-2.0

/// On which processors an engine's threads run.
public enum Affinity: Equatable, Sendable {
  /// Wherever the thread that makes the engine may.
  case inherited
  /// All on one set, in which the kernel moves them.
  ///
  /// Best where other work shares the processors: a thread that is held up on one can go to another,
  /// while the others wait for it at the end of the step.
  case shared(ProcessorSet)
  /// Thread i on the i-th of the set and on no other, for processors that are kept free of other work
  /// (`isolcpus`, among which the kernel moves nothing by itself).
  case pinned(ProcessorSet)

  /// All processors that it names; nil for ``inherited``.
  var processors: ProcessorSet? {
    switch self {
    case .inherited: nil
    case .shared(let set), .pinned(let set): set
    }
  }

  /// Where a thread may run; nil leaves it alone.
  func processors(ofThread thread: Int) -> ProcessorSet? {
    switch self {
    case .inherited: nil
    case .shared(let set): set
    case .pinned(let set): ProcessorSet([set.numbers[thread]])
    }
  }
}
