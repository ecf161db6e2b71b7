// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

extension StepRun {
  /// Copies this thread's rows, position by position.
  func visit(_ step: Subsample) {
    let (input, output) = (share.input, share.output)
    for y in share.range(of: output.shape.height) {
      for x in 0..<output.shape.width {
        output.position(y * output.shape.width + x).update(
          from: input.position((y * input.shape.width + x) * step.stride), count: output.pitch)
      }
    }
  }
}
