// SPDX-License-Identifier: Apache-2.0
internal import LVTModel
internal import LVTRuntime

/// The objects of a two-stage detector; ``LVTModel/Boxes`` says which.
struct FloatBoxes: FloatOperation {
  let step: Boxes
  var classesOfBoxes: Int? { step.reading.classes }

  var matrices: [FloatMatrix] { [] }
  var parameters: Int { 0 }
  var isOfStreams: Bool { false }
  var fixedType: ElementType? { .float32 }
  var namesItsInputs: Bool { true }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == step.stages + 1,
      inputs.dropFirst().allSatisfy({ $0.channels == step.reading.values })
    else { return nil }
    return Shape(height: 1, width: step.boxes, channels: Detect.boxValues)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let room = BoxesScratch(step, regions: inputs[0].shape.width).room
    var scores = [Double](repeating: 0, count: step.reading.classes + 1)
    var candidates = [Candidate](
      repeating: Candidate(logit: 0, slot: 0, classIndex: 0), count: room)
    var boxes = [SIMD4<Float>](repeating: SIMD4(), count: room)
    var result = [Float](repeating: 0, count: output.positions * output.channels)
    // All stages' values behind each other, so that one pointer serves.
    let said = inputs.dropFirst().flatMap(\.values), size = inputs[1].values.count
    inputs[0].values.withUnsafeBufferPointer { regions in
      said.withUnsafeBufferPointer { said in
        guard let regions = regions.baseAddress, let said = said.baseAddress else { return }
        step.find(
          in: RegionRows(
            regions, width: Proposals.regionValues, room: inputs[0].shape.width),
          said: { said + $0 * size }, scores: &scores, candidates: &candidates, room: room,
          boxes: &boxes, to: &result)
      }
    }
    return result
  }

  func lower(_ c: inout Lowering) -> Step.Operation { .boxes(step) }
}
