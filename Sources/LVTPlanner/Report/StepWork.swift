// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// What a step asks of the kernels, padding not counted.
struct StepWork {
  /// The kernel's name that stands for all that do not multiply: they gather, normalise, look up or round
  /// values.
  static let values = "values"

  /// Multiplications by kernel, and how many values the others make.
  private(set) var amounts: [String: Int] = [:]

  /// All multiplications.
  var multiplications: Int {
    amounts.reduce(0) { $0 + ($1.key == Self.values ? 0 : $1.value) }
  }

  fileprivate mutating func add(_ amount: Int, to kernel: String) {
    amounts[kernel, default: 0] += amount
  }

  /// A product's multiplications, and its sums, which it rounds.
  fileprivate mutating func add(_ matrices: [PackedMatrix], positions: Int) {
    for matrix in matrices {
      add(positions * matrix.k * matrix.n, to: "gemm_s8")
      add(positions * matrix.n, to: Self.values)
    }
  }
}

extension Step.Operation {
  /// The step's work on maps of these shapes.
  func work(input: Shape, output: Shape) -> StepWork {
    let positions = output.positions, map = positions * output.channels
    var work = StepWork()
    switch self {
    case .patchEmbed(let s):
      work.add([s.matrix], positions: positions)
      work.add(positions * s.matrix.k + map, to: StepWork.values)
    case .pointwise(let s):
      work.add([s.matrix], positions: positions)
    case .depthwise(let s):
      work.add(map * s.kernel * s.kernel, to: "dwconv_s8")
      work.add(map, to: StepWork.values)
    case .dynamicDepthwise(let s):
      let taps = output.channels * s.kernel * s.kernel
      work.add(positions * taps, to: "dwconv_s8")
      work.add(s.squeeze.k * s.squeeze.n + s.expand.k * taps, to: "gemm_s8")
      work.add(2 * map + taps, to: StepWork.values)
    case .inhomogeneousDepthwise(let s):
      let taps = s.kernel * s.kernel * s.groups
      work.add(map * s.kernel * s.kernel, to: "posconv_s16")
      work.add(positions * (s.squeeze.k * s.squeeze.n + s.expand.k * taps), to: "gemm_s8")
      work.add(2 * map + positions * (s.squeeze.n + taps), to: StepWork.values)
    case .mlp(let s):
      work.add([s.expand, s.project], positions: positions)
      work.add(positions * s.expand.n + (s.norm == nil ? 0 : map), to: StepWork.values)
    case .patchMerge(let s):
      work.add([s.matrix], positions: positions)
      work.add(positions * s.norm.channels, to: StepWork.values)
    case .head(let s):
      work.add([s.matrix], positions: 1)
      work.add(2 * input.positions * input.channels, to: StepWork.values)
    case .windowAttention(let s):
      work.add([s.qkv, s.project], positions: positions)
      work.add(2 * map * s.tokens, to: "attention_s8")
      work.add(2 * map, to: StepWork.values)
    case .mapAttention(let s):
      work.add([s.qkv, s.project], positions: positions)
      work.add(
        2 * map * s.keys(of: output),
        to: s.dilations == nil ? "attention_s8" : "dilated_attention_s8")
      work.add(2 * map, to: StepWork.values)
    case .depthwiseAttention(let s):
      let channels = output.channels
      work.add(4 * map * channels, to: "gemm_s8")
      let kernel =
        switch s.weighting {
        case .softmax: "depthwise_softmax_s8"
        case .layerNorm: "depthwise_layernorm_s8"
        }
      work.add(2 * map * s.kernel * s.kernel, to: kernel)
      work.add(6 * map, to: StepWork.values)
    case .convolution(let s):
      // A picture's fourth byte is padding.
      let k =
        s.outside == nil ? s.matrix.k : s.matrix.k / Convolution.pictureChannels * input.channels
      work.add(map * k, to: "gemm_s8")
      work.add(positions * k + (s.tableOffset == nil ? 1 : 2) * map, to: StepWork.values)
    }
    return work
  }

  /// What the step multiplies with, in order.
  var matrices: [PackedMatrix] {
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
  var constantBytes: Int { matrices.reduce(0) { $0 + $1.byteCount } }
}
