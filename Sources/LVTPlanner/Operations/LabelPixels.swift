// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// The class of every pixel: logits on a finer grid, of which the greatest is named.
struct FloatLabelPixels: FloatOperation {
  let extent: Extent

  var matrices: [FloatMatrix] { [] }
  var parameters: Int { 0 }
  var fixedType: ElementType? { .labels }
  var namesItsInputs: Bool { true }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == 1 else { return nil }
    return Shape(height: extent.height, width: extent.width, channels: 1)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let logits = inputs[0].resampled(to: extent, .bilinear), classes = logits.shape.channels
    return logits.values.withUnsafeBufferPointer { values in
      (0..<output.positions).map { position in
        var best = 0
        for k in 1..<max(1, classes)
        where values[position * classes + k] > values[position * classes + best] {
          best = k
        }
        return Float(best)
      }
    }
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    var step = LabelPixels()
    step.extent = extent
    return .labelPixels(step)
  }
}
