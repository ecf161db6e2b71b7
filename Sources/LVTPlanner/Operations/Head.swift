// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// LayerNorm → mean or maximum over positions → product: the logits; without a product, the features.
struct FloatHead: FloatOperation {
  var norm: FloatNorm
  let pooling: Head.Pooling
  var classifier: FloatMatrix?

  var matrices: [FloatMatrix] { classifier.map { [$0] } ?? [] }
  var parameters: Int { (classifier?.parameters ?? 0) + 2 * norm.gamma.count }
  var fixedType: ElementType? { .float32 }
  private var channels: Int { norm.gamma.count }

  func macs(to output: Shape) -> Int { classifier?.weights.count ?? 0 }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == 1, inputs[0].channels == channels else { return nil }
    return Shape(height: 1, width: 1, channels: classifier?.outputs ?? channels)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let normalized = norm.applied(to: inputs[0].values)
    observe(.normalized, normalized, channels)
    let pooled =
      switch pooling {
      case .mean: columnMeans(normalized, channels: channels)
      case .maximum: columnMaxima(normalized)
      }
    observe(.pooled, pooled, channels)
    guard let classifier else { return pooled }
    observe(.product(0), pooled, channels)
    return classifier.applied(to: pooled, rows: 1)
  }

  private func columnMaxima(_ values: [Float]) -> [Float] {
    var maxima = Array(values[..<channels])
    for i in values.indices { maxima[i % channels] = max(maxima[i % channels], values[i]) }
    return maxima
  }

  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {
    guard var classifier else { return }
    equalize(&norm, &classifier, ranges(.normalized))
    self.classifier = classifier
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    let normalized = c.choose(.normalized)
    var step = Head()
    step.pooling = pooling
    guard let classifier else {
      step.norm = c.append(norm, inputScale: c.input.scale, output: normalized)
      let count = pooling == .mean ? c.inputShape.positions : 1
      step.poolingMultiplier = normalized.scale / Float(count)
      return .head(step)
    }
    let pooled = pooling == .mean ? c.mean(of: normalized) : c.maximum(of: normalized)
    let logits = c.wide(classifier, inputScale: pooled.scale)
    step.norm = c.append(norm, inputScale: c.input.scale, output: normalized)
    step.poolingMultiplier = pooled.multiplier
    var packed = Head.Classifier()
    packed.matrix = c.pack(logits, outputScale: 1)
    packed.biasOffset = c.constants.append(logits.bias)
    step.classifier = packed
    return .head(step)
  }
}
