// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Names the classes of this thread's rows.
  func visit(_ step: LabelPixels) {
    let map = share.input, width = map.shape.width, grid = step.extent
    let parts = LabelPixelsScratch(map.shape, grid: grid.width)
    let places = share.scratch(parts.places, as: lvt_place.self)
    places.fill(
      ResampledAxis(extent: width, grid: grid.width, .bilinear), grid.width)
    let rows = ResampledAxis(extent: map.shape.height, grid: grid.height, .bilinear)
    func logits(row: Int) -> UnsafePointer<Int16> {
      UnsafeRawPointer(map.position(row * width)).assumingMemoryBound(to: Int16.self)
    }
    func findGreatest(row: Int, to out: UnsafeMutablePointer<UInt8>) {
      var arguments = lvt_greatest_args(
        in: logits(row: row), width: width, pitch: map.shape.paddedChannels,
        channels: map.shape.channels, out: out)
      kernels.greatest_s16(&arguments)
    }
    var above = share.scratch(parts.above, as: UInt8.self)
    var below = share.scratch(parts.below, as: UInt8.self)
    var held = -1
    for y in share.range(of: grid.height) {
      let place = rows[y], first = Int(place.first), second = place.weight == 0 ? first : first + 1
      if held != first {
        if held + 1 == first && held >= 0 {
          swap(&above, &below)
        } else {
          findGreatest(row: first, to: above)
        }
        findGreatest(row: min(first + 1, map.shape.height - 1), to: below)
        held = first
      }
      var arguments = lvt_label_row_args(
        above: logits(row: first), below: logits(row: second), above_greatest: above,
        below_greatest: second == first ? above : below, below_weight: place.weight, width: width,
        pitch: map.shape.paddedChannels, channels: map.shape.channels, places: places,
        columns: grid.width, scratch: share.scratch(parts.between, as: UInt8.self),
        out: (share.output.base + y * grid.width).assumingMemoryBound(to: UInt8.self))
      kernels.label_row_s16(&arguments)
    }
  }
}
