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

  fileprivate mutating func add(_ amount: Count, to kind: Kind) {
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

extension Step.Operation {
  /// The step's work on maps of these shapes.
  ///
  /// Rows and columns that fill up windows are counted, since they are worked on.
  ///
  /// - Parameter isPadded: Whether all that the kernels do is counted: padding of channels and taps, values
  ///   of two bytes twice, and the weights of attention. What is known as a network's multiplications is
  ///   without.
  public func work(input: Shape, output: Shape, isPadded: Bool = false) -> StepWork {
    StepCounter(input: input, output: output, isPadded: isPadded).count(self)
  }

  /// What the step multiplies with, in order.
  public var matrices: [PackedMatrix] {
    switch self {
    case .patchEmbed(let s): [s.matrix]
    case .pointwise(let s): [s.matrix]
    case .depthwise(let s): [s.filter]
    case .dynamicDepthwise(let s): [s.squeeze, s.expand]
    case .inhomogeneousDepthwise(let s): [s.squeeze, s.expand]
    case .mlp(let s): [s.expand, s.project]
    case .patchMerge(let s): [s.matrix]
    case .head(let s): [s.matrix]
    case .windowAttention(let s): [s.qkv, s.project]
    case .mapAttention(let s): [s.qkv, s.project]
    case .depthwiseAttention(let s): [s.qkv, s.project]
    case .convolution(let s): [s.matrix]
    }
  }

  /// Bytes of packed weights, biases and multipliers, padding included.
  public var constantBytes: Int {
    matrices.reduce(Count(0)) { $0 + Count($1.panelCount) * Count($1.panelBytes) }.value
  }
}

extension PlanContents {
  /// Multiplications of a run, without those of padded channels.
  public var multiplications: Int {
    total { $0.work(input: $1, output: $2).multiplications }
  }

  /// What ``PlanLimits/work`` limits: everything that a run does, in multiplications.
  public var work: Int {
    total { $0.work(input: $1, output: $2, isPadded: true).operations }
  }

  private func total(_ amount: (Step.Operation, Shape, Shape) -> Int) -> Int {
    steps.reduce(Count(0)) { sum, step in
      guard tensors.indices.contains(step.input), tensors.indices.contains(step.output) else {
        return sum
      }
      return sum
        + Count(amount(step.operation, tensors[step.input].shape, tensors[step.output].shape))
    }.value
  }
}

/// Counts one step.
private struct StepCounter {
  let input: Shape
  let output: Shape
  let isPadded: Bool

  private var positions: Count { Count(output.height) * Count(output.width) }
  private var outputChannels: Count { channels(output.channels) }
  private var map: Count { positions * outputChannels }

  private func channels(_ count: Int) -> Count {
    Count(isPadded ? Shape.blocks(count) * Shape.block : count)
  }

  /// Rows of a product's input.
  private func rows(_ k: Int) -> Count { Count(isPadded ? (k + 3) / 4 * 4 : k) }

  /// Taps of a filter.
  private func taps(_ kernel: Int) -> Count { Count(kernel) * Count(kernel) }

  /// Taps of a filter whose rows are padded.
  private func paddedTaps(_ kernel: Int) -> Count { Count(kernel) * rows(kernel) }

  /// Adds products and their sums, which are rounded.
  private func add(_ matrices: [PackedMatrix], positions: Count, to work: inout StepWork) {
    for matrix in matrices {
      work.add(positions * rows(matrix.k) * channels(matrix.n), to: .gemm)
      work.add(positions * channels(matrix.n), to: .values)
    }
  }

  func count(_ operation: Step.Operation) -> StepWork {
    var work = StepWork()
    /// One vector is multiplied as its high and its low bytes.
    let vector: Count = isPadded ? 2 : 1
    switch operation {
    case .patchEmbed(let s):
      add([s.matrix], positions: positions, to: &work)
      work.add(positions * rows(s.matrix.k) + map, to: .values)
    case .pointwise(let s):
      add([s.matrix], positions: positions, to: &work)
      if s.narrowing != nil { work.add(positions * channels(s.matrix.k), to: .values) }
    case .depthwise(let s):
      work.add(map * paddedTaps(s.kernel), to: .dwconv)
      work.add(map, to: .values)
    case .dynamicDepthwise(let s):
      let taps = outputChannels * taps(s.kernel)
      work.add(map * paddedTaps(s.kernel), to: .dwconv)
      work.add(
        vector * (rows(s.squeeze.k) * channels(s.squeeze.n) + rows(s.expand.k) * taps), to: .gemm)
      work.add(2 * map + taps, to: .values)
    case .inhomogeneousDepthwise(let s):
      let taps = isPadded ? channels(s.expand.n) : taps(s.kernel) * Count(s.groups)
      work.add(map * self.taps(s.kernel), to: .posconv)
      work.add(
        positions * (rows(s.squeeze.k) * channels(s.squeeze.n) + rows(s.expand.k) * taps), to: .gemm
      )
      work.add(2 * map + positions * (channels(s.squeeze.n) + taps), to: .values)
    case .mlp(let s):
      add([s.expand, s.project], positions: positions, to: &work)
      work.add(positions * channels(s.expand.n), to: .values)
      if s.norm != nil || s.narrowing != nil { work.add(map, to: .values) }
    case .patchMerge(let s):
      add([s.matrix], positions: positions, to: &work)
      work.add(positions * channels(s.norm.channels), to: .values)
    case .head(let s):
      add([s.matrix], positions: vector, to: &work)
      work.add(
        2 * Count(input.height) * Count(input.width) * channels(input.channels), to: .values)
    case .windowAttention(let s):
      let edge = max(1, s.window), tokens = taps(edge)
      let gathered =
        Count((output.height + edge - 1) / edge) * Count((output.width + edge - 1) / edge) * tokens
      add([s.qkv, s.project], positions: gathered, to: &work)
      addAttention(
        .attention, heads: s.heads, queries: gathered, keys: tokens, to: &work)
      work.add(2 * gathered * outputChannels, to: .values)
    case .mapAttention(let s):
      add([s.qkv, s.project], positions: positions, to: &work)
      addAttention(
        s.dilations == nil ? .attention : .dilatedAttention, heads: s.heads, queries: positions,
        keys: s.dilations == nil ? positions : 9, to: &work)
      work.add(2 * map, to: .values)
    case .depthwiseAttention(let s):
      work.add(4 * map * outputChannels, to: .gemm)
      let neighbours = taps(s.kernel)
      switch s.weighting {
      case .softmax: work.add(2 * map * neighbours, to: .depthwiseSoftmax)
      case .layerNorm: work.add(2 * map * neighbours, to: .depthwiseLayerNorm)
      }
      work.add(6 * map, to: .values)
      if isPadded { work.add(map * neighbours, to: .values) }
    case .convolution(let s):
      // A picture's fourth byte is padding.
      let k =
        isPadded || s.outside == nil
        ? rows(s.matrix.k) : Count(s.matrix.k / Convolution.pictureChannels * input.channels)
      work.add(map * k, to: .gemm)
      work.add(positions * k + (s.tableOffset == nil ? 1 : 2) * map, to: .values)
    }
    return work
  }

  /// Products with the keys, and of their weights with the values.
  private func addAttention(
    _ kind: StepWork.Kind, heads: Int, queries: Count, keys: Count, to work: inout StepWork
  ) {
    let width = Count(heads) * channels(output.channels / max(1, heads))
    work.add(2 * queries * keys * width, to: kind)
    if isPadded { work.add(queries * keys * Count(heads), to: .values) }
  }
}
