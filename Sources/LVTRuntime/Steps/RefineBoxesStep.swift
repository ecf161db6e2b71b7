// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

extension StepRun {
  /// Moves this thread's regions.
  func visit(_ step: RefineBoxes) {
    let decoder = BoxDecoder(step.reading.coder, picture: step.reading.picture)
    let width = Proposals.regionValues, values = step.reading.values
    let regions = share.input.base.assumingMemoryBound(to: Float.self)
    let said = share.inputs[1].base.assumingMemoryBound(to: Float.self)
    let out = share.output.base.assumingMemoryBound(to: Float.self)
    for row in share.range(of: share.output.shape.width) {
      let from = regions + row * width, to = out + row * width
      to[4] = from[4]
      let box = SIMD4(from[0], from[1], from[2], from[3])
      let moved =
        from[4] > 0 ? step.reading.refined(box, said + row * values, decoder) : box
      for i in 0..<4 { to[i] = moved[i] }
    }
  }
}
