// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

extension StepRun {
  /// Normalises this thread's positions.
  func visit(_ step: Normalize) {
    let (input, output) = (share.input, share.output)
    let positions = share.range(of: output.shape.positions)
    normalize(
      step.norm, positions.count, input.position(positions.lowerBound), stride: input.pitch,
      type: input.type, out: output.position(positions.lowerBound), outStride: output.pitch)
  }
}
