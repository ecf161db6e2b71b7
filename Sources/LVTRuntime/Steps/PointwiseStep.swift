// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension Workspace {
  /// One matrix product over this thread's positions, with the residual added where it stands.
  func run(_ step: Pointwise, _ share: Share) {
    let positions = share.range(of: share.output.shape.positions)
    var arguments = product(
      step.matrix, share.input.position(positions.lowerBound), stride: share.input.pitch,
      rows: positions.count, out: share.output.position(positions.lowerBound),
      outStride: share.output.pitch, scratch: share.scratch)
    if let residual = step.residual {
      let map = map(residual)
      arguments.residual = UnsafePointer(map.position(positions.lowerBound))
      arguments.residual_stride = map.pitch
      arguments.residual_zero_point = map.zeroPoint
      arguments.residual_multiplier = step.residualMultiplier
    }
    kernels.gemm_s8(&arguments)
  }
}
