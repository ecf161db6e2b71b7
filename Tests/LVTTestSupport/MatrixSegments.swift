// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// How the k of a packed matrix is divided: `count` segments of `taps`, each filled to a multiple of 4.
public struct MatrixSegments {
  /// Segments.
  public let count: Int
  /// What of a segment means something.
  public let taps: Int

  /// k of the matrix.
  public let k: Int

  /// As in the neighbourhoods of a convolution.
  ///
  /// - Parameter kernel: At most what a plan may say, or it is cut down to that: a damaged plan says anything.
  public init(kernel: Int, channels: Int) {
    let kernel = min(kernel, 64)
    (count, taps) = (kernel, kernel * channels)
    k = BandLayout.k(kernel: kernel, channels: channels)
  }

  /// As in a depth-wise filter.
  public init(filterOf kernel: Int) {
    let kernel = min(kernel, 64)
    (count, taps) = (kernel, kernel)
    k = Depthwise.paddedTaps(kernel)
  }

  /// Whether an element of k means something.
  public func means(_ k: Int) -> Bool { k % padded < taps && k / padded < count }
  private var padded: Int { (taps + 3) / 4 * 4 }
}

extension PlanContents {
  /// Those of the matrices of a step, in the operation's order.
  public func segments(of step: Step) -> [MatrixSegments] {
    let matrices = step.operation.matrices
    var segments = matrices.map { MatrixSegments(kernel: 1, channels: $0.k) }
    func channels(_ input: Int) -> Int {
      tensors.indices.contains(input) ? tensors[input].shape.channels : 0
    }
    /// Convolutions of a map's cells, one after the other.
    func segment(_ convolutions: [PackedMatrix], at first: Int, kernel: Int) {
      var depth = step.inputs.first.map(channels) ?? 0
      for (i, matrix) in convolutions.enumerated() {
        segments[first + i] = MatrixSegments(kernel: kernel, channels: depth)
        depth = matrix.n
      }
    }
    switch step.operation {
    case .depthwise(let s): segments[0] = MatrixSegments(filterOf: s.kernel)
    case .patchEmbed(let s): segments[0] = MatrixSegments(kernel: s.patch, channels: 3)
    case .convolution(let s):
      let all = s.outside == nil ? step.inputs.reduce(0) { $0 + channels($1) } : 4
      segments[0] = MatrixSegments(kernel: s.kernel, channels: all)
    case .detect(let s):
      var depth = 0
      for i in matrices.indices {
        if i == 0 || i == s.classTower.count + 1 { depth = step.inputs.first.map(channels) ?? 0 }
        segments[i] = MatrixSegments(kernel: s.kernel, channels: depth)
        depth = matrices[i].n
      }
    case .proposals(let s):
      segments[0] = MatrixSegments(
        kernel: s.kernel, channels: step.inputs.first.map(channels) ?? 0)
    case .boxHead(let s): segment(s.convolutions, at: 0, kernel: s.kernel)
    case .masks(let s):
      var first = 0
      for head in s.heads {
        segment(head.convolutions, at: first, kernel: s.kernel)
        first += head.convolutions.count + 2
      }
    default: break
    }
    return segments
  }
}
