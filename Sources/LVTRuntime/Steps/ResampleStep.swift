// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

extension StepRun {
  /// Reads this thread's rows of the grid.
  func visit(_ step: Resample) {
    let reader = GridReader(
      share.input, grid: step.extent, .bilinear, scratch: share.scratch)
    reader.prepare()
    for y in share.range(of: step.extent.height) {
      reader.read(row: y, to: share.output.position(y * step.extent.width), kernels)
    }
  }
}
