// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// This thread's boxes, one after the other: their cells, and each stage's probabilities.
  func visit(_ step: Masks) {
    let levels = step.align.strides.count, room = share.output.shape.width
    let parts = MasksScratch(step) { share.inputs[$0].shape }
    let boxes = RegionRows(
      share.inputs[levels].base.assumingMemoryBound(to: Float.self), width: Detect.boxValues,
      room: room)
    let out = share.output.base.assumingMemoryBound(to: Float.self)
    let values = share.output.shape.channels
    let cells = RegionCells(
      self, step.align, kernel: step.kernel, parts.region, product: parts.product)
    // Threads share the boxes that there are.
    for box in share.range(of: boxes.count) {
      let mask = out + box * values
      mask.update(repeating: 0, count: values)
      let classIndex = Int(boxes.values[box * boxes.width + 5])
      let map = cells.read(boxes.box(box), to: share.scratch(parts.cells, as: Int8.self))
      for head in step.heads where head.isAgnostic || classIndex < step.classes {
        let sums = logits(
          head, parts, cells.convolve(head.convolutions, map), head.isAgnostic ? 0 : classIndex,
          count: step.align.cells)
        add(sums, side: step.align.side, to: mask)
      }
      for i in 0..<values { mask[i] /= Float(step.heads.count) }
    }
    for box in share.range(of: room) where box >= boxes.count {
      (out + box * values).update(repeating: 0, count: values)
    }
  }

  /// A column of sums, and what they are multiplied with.
  private struct Logits {
    let sums: UnsafePointer<Int32>
    let column: Int
    let reals: RealColumns?
  }

  /// The sums of a class: four for each cell.
  private func logits(
    _ head: Masks.Head, _ parts: MasksScratch, _ map: RegionCells.Map, _ classIndex: Int,
    count: Int
  ) -> Logits {
    let scratch = share.scratch + parts.product
    let upsampled = share.scratch(parts.upsampled, as: Int8.self)
    var upsample = product(
      head.upsample, map.base, stride: map.pitch, rows: count, out: upsampled,
      outStride: head.upsample.n, scratch: scratch)
    kernels.gemm_s8(&upsample)
    // Sums of the sixteen classes among which it is.
    let panel = classIndex / Shape.block
    let ofClass = head.output.part(panel..<panel + 1)
    let sums = share.scratch(parts.sums, as: Int32.self)
    var last = product(
      ofClass, upsampled, stride: head.upsample.n / 4, rows: 4 * count, out: sums,
      outStride: Shape.block * 4, scratch: scratch)
    last.output = LVT_OUTPUT_S32
    kernels.gemm_s8(&last)
    return Logits(
      sums: sums, column: classIndex % Shape.block, reals: RealColumns(self, ofClass))
  }

  /// Adds the probabilities where the finer cells lie in rows.
  private func add(_ logits: Logits, side: Int, to mask: UnsafeMutablePointer<Float>) {
    guard let reals = logits.reals else { return }
    for i in 0..<4 * side * side {
      let cell = i / 4, y = 2 * (cell / side) + i % 4 / 2, x = 2 * (cell % side) + i % 2
      mask[y * 2 * side + x] += sigmoid(reals[logits.column, logits.sums + i * Shape.block])
    }
  }
}
