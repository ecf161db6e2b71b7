// SPDX-License-Identifier: Apache-2.0

/// How threads divide a step among them, and what of the inputs each part of the output needs.
public enum StepDivision: Equatable, Sendable {
  /// Not told: a thread may read and write all of the operands, and all scratch.
  case together
  /// The positions of the output, divided evenly in order; each needs its own position of every input.
  case positions
  /// The same; each needs the 2 × 2 positions of the input that it stands for.
  case merged
  /// The rows of the output, divided evenly in order; row y needs rows y · stride − padding ..<
  /// y · stride − padding + kernel of every input.
  case rows(kernel: Int, stride: Int, padding: Int)
}

extension Step.Operation {
  /// How threads divide the step.
  public var division: StepDivision {
    var reader = DivisionReader()
    return visit(&reader)
  }
}

private struct DivisionReader: StepVisitor {
  typealias Result = StepDivision
  typealias Failure = Never

  mutating func visit<S: StepOperation>(_ step: S) -> StepDivision { step.division }
}
