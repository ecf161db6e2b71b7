// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

extension StepRun {
  /// One thread finds the objects.
  func visit(_ step: Boxes) {
    guard share.thread == 0 else { return }
    let room = share.input.shape.width
    let parts = BoxesScratch(step, regions: room)
    let regions = RegionRows(
      share.input.base.assumingMemoryBound(to: Float.self), width: Proposals.regionValues,
      room: room)
    step.find(
      in: regions,
      said: { UnsafePointer(share.inputs[1 + $0].base.assumingMemoryBound(to: Float.self)) },
      scores: share.scratch(parts.scores, as: Double.self),
      candidates: share.scratch(parts.candidates, as: Candidate.self), room: parts.room,
      boxes: share.scratch(parts.boxes, as: SIMD4<Float>.self),
      to: share.output.base.assumingMemoryBound(to: Float.self))
  }
}
