// SPDX-License-Identifier: Apache-2.0

/// What a step asks of the kernels.
///
/// Counts end at `Int.max` and never overflow, so a plan that is not checked yet can be counted.
public struct StepWork: Sendable {
  /// A kernel that multiplies, or all of those that do not.
  public enum Kind: Int, CaseIterable, Sendable {
    /// Matrix products.
    case gemm
    /// Depth-wise convolution.
    case dwconv
    /// Depth-wise convolution with taps of each position.
    case posconv
    /// Attention in windows and among all positions.
    case attention
    /// Attention to neighbours at several distances.
    case dilatedAttention
    /// Attention of each channel, by softmax.
    case depthwiseSoftmax
    /// Attention of each channel, by LayerNorm.
    case depthwiseLayerNorm
    /// All that gather, normalise, look up or round values.
    case values

    /// The kernel's name, as boards state its speed.
    public var name: String {
      switch self {
      case .gemm: "gemm_s8"
      case .dwconv: "dwconv_s8"
      case .posconv: "posconv_s16"
      case .attention: "attention_s8"
      case .dilatedAttention: "dilated_attention_s8"
      case .depthwiseSoftmax: "depthwise_softmax_s8"
      case .depthwiseLayerNorm: "depthwise_layernorm_s8"
      case .values: "values"
      }
    }
  }

  private var amounts = [Count](repeating: 0, count: Kind.allCases.count)

  /// Multiplications of a kernel, or how many ``Kind/values`` the others make.
  public subscript(kind: Kind) -> Int { amounts[kind.rawValue].value }

  /// All multiplications.
  public var multiplications: Int {
    amounts.indices.reduce(Count(0)) { $0 + ($1 == Kind.values.rawValue ? 0 : amounts[$1]) }.value
  }

  /// Multiplications, and sixteen for each value, which takes about as long.
  var operations: Int { (Count(multiplications) + 16 * Count(self[.values])).value }

  mutating func add(_ amount: Count, to kind: Kind) {
    amounts[kind.rawValue] = amounts[kind.rawValue] + amount
  }
}

/// A number that stays at the largest one where it would overflow.
struct Count: ExpressibleByIntegerLiteral {
  let value: Int

  init(_ value: Int) { self.value = value }

  init(integerLiteral value: Int) { self.value = value }

  static func + (a: Count, b: Count) -> Count {
    let (sum, isTooLarge) = a.value.addingReportingOverflow(b.value)
    return Count(isTooLarge ? .max : sum)
  }

  static func * (a: Count, b: Count) -> Count {
    let (product, isTooLarge) = a.value.multipliedReportingOverflow(by: b.value)
    return Count(isTooLarge ? .max : product)
  }
}

extension PlanContents {
  /// Multiplications of a run, without those of padded channels.
  public var multiplications: Int {
    total { $0.work($1).multiplications }
  }

  /// What ``PlanLimits/work`` limits: everything that a run does, in multiplications.
  public var work: Int {
    total { $0.work($1, isPadded: true).operations }
  }

  private func total(_ amount: (Step.Operation, Operands) -> Int) -> Int {
    steps.reduce(Count(0)) { sum, step in
      guard let operands = step.operands(in: tensors) else { return sum }
      return sum + Count(amount(step.operation, operands))
    }.value
  }
}

/// What operations count their work with.
struct StepCounter: StepVisitor {
  typealias Result = StepWork
  typealias Failure = Never

  let inputs: [Shape]
  let output: Shape
  let isPadded: Bool

  /// The first input.
  var input: Shape { inputs[0] }
  /// Channels of all inputs.
  var allChannels: Count { inputs.reduce(0) { $0 + channels($1.channels) } }

  /// Positions of the output.
  var positions: Count { Count(output.height) * Count(output.width) }
  var outputChannels: Count { channels(output.channels) }
  /// Elements of the output.
  var map: Count { positions * outputChannels }

  /// Elements of the input.
  var inputMap: Count { Count(input.height) * Count(input.width) * channels(input.channels) }
  /// How often a vector is multiplied: its high and its low bytes.
  var vector: Count { isPadded ? 2 : 1 }

  /// Channels in memory.
  func channels(_ count: Int) -> Count {
    Count(isPadded ? Shape.blocks(count) * Shape.block : count)
  }

  /// Rows of a product's input.
  func rows(_ k: Count) -> Count { isPadded ? Count((k + 3).value / 4 * 4) : k }
  func rows(_ k: Int) -> Count { rows(Count(k)) }

  /// Taps of a filter.
  func taps(_ kernel: Int) -> Count { Count(kernel) * Count(kernel) }

  /// Taps of a filter whose rows are padded.
  func paddedTaps(_ kernel: Int) -> Count { Count(kernel) * rows(kernel) }

  /// Adds products and their sums, which are rounded.
  func add(_ matrices: [PackedMatrix], positions: Count, to work: inout StepWork) {
    for matrix in matrices { add(k: rows(matrix.k), n: matrix.n, positions: positions, to: &work) }
  }

  /// Adds a product on neighbourhoods.
  func add(
    _ matrix: PackedMatrix, kernel: Int, channels: Int, positions: Count, to work: inout StepWork
  ) {
    let k = Count(kernel) * rows(Count(kernel) * Count(channels))
    add(k: k, n: matrix.n, positions: positions, to: &work)
  }

  private func add(k: Count, n: Int, positions: Count, to work: inout StepWork) {
    work.add(positions * k * channels(n), to: .gemm)
    work.add(positions * channels(n), to: .values)
  }

  mutating func visit<S: StepOperation>(_ step: S) -> StepWork { step.work(self) }

  /// Products with the keys, and of their weights with the values.
  func addAttention(
    _ kind: StepWork.Kind, heads: Int, queries: Count, keys: Count, to work: inout StepWork
  ) {
    let width = Count(heads) * channels(output.channels / max(1, heads))
    work.add(2 * queries * keys * width, to: kind)
    if isPadded { work.add(queries * keys * Count(heads), to: .values) }
  }
}
