// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// The mean over each of `bins` × `bins` parts of a map.
struct FloatAdaptiveMean: FloatOperation {
  /// Parts of each axis.
  let bins: Int

  var matrices: [FloatMatrix] { [] }
  var parameters: Int { 0 }
  var isOfStreams: Bool { false }

  func outputShape(of inputs: [Shape]) -> Shape? {
    guard inputs.count == 1, bins > 0 else { return nil }
    return Shape(height: bins, width: bins, channels: inputs[0].channels)
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let map = inputs[0].shape, channels = map.channels
    return (0..<bins * bins).flatMap { bin -> [Float] in
      let rows = AdaptiveMean.range(bin / bins, of: map.height, bins: bins)
      let columns = AdaptiveMean.range(bin % bins, of: map.width, bins: bins)
      let values = rows.flatMap { y in
        let start = (y * map.width + columns.lowerBound) * channels
        return inputs[0].values[start..<start + columns.count * channels]
      }
      return columnMeans(values, channels: channels)
    }
  }

  func lower(_ c: inout Lowering) -> Step.Operation {
    var step = AdaptiveMean()
    step.bins = bins
    step.multiplier = c.input.scale / c.output(adding: c.input).scale
    return .adaptiveMean(step)
  }
}
