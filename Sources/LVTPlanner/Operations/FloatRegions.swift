// SPDX-License-Identifier: Apache-2.0
internal import LVTModel
internal import LVTRuntime

// What the heads of two-stage detectors do to regions, in float32.

extension RegionAlign {
  /// The cells of a box, side · side × channels.
  func cells(of box: SIMD4<Float>, _ levels: [FloatMap]) -> [Float] {
    let number = level(of: box), map = levels[number], channels = map.shape.channels
    let rows = weights(
      RegionAxis(
        self, low: box.y, high: box.w, stride: strides[number], extent: map.shape.height),
      extent: map.shape.height)
    let columns = weights(
      RegionAxis(self, low: box.x, high: box.z, stride: strides[number], extent: map.shape.width),
      extent: map.shape.width)
    var result = [Float](repeating: 0, count: cells * channels)
    map.values.withUnsafeBufferPointer { values in
      for (i, row) in rows.enumerated() {
        for (j, column) in columns.enumerated() {
          let out = (i * side + j) * channels
          for (y, rowWeight) in zip(row.range, row.weights) {
            for (x, columnWeight) in zip(column.range, column.weights) {
              let weight = rowWeight * columnWeight
              let start = (y * map.shape.width + x) * channels
              for c in 0..<channels { result[out + c] += weight * values[start + c] }
            }
          }
        }
      }
    }
    return result
  }

  /// The positions that each cell of an axis reads, and their weights.
  private func weights(
    _ axis: RegionAxis, extent: Int
  ) -> [(range: Range<Int>, weights: [Float])] {
    var weights = [Float](repeating: 0, count: extent)
    return (0..<side).map { cell in
      let range = axis.weights(ofCell: cell, &weights)
      return (range, Array(weights[..<range.count]))
    }
  }

  /// The cells of boxes, one behind the other.
  func cells(of boxes: [SIMD4<Float>], _ levels: [FloatMap]) -> [Float] {
    concurrentMap(boxes.count) { cells(of: boxes[$0], levels) }.flatMap { $0 }
  }

  /// The boxes, or if there are none the whole of the first level, so that calibration sees something.
  func orWhole(_ boxes: [SIMD4<Float>], _ levels: [FloatMap]) -> [SIMD4<Float>] {
    guard boxes.isEmpty else { return boxes }
    let shape = levels[0].shape
    return [SIMD4(0, 0, Float(shape.width * strides[0]), Float(shape.height * strides[0]))]
  }
}

/// The edges of regions or boxes in rows of values.
func regions(_ rows: FloatMap) -> [SIMD4<Float>] {
  rows.values.withUnsafeBufferPointer { values -> [SIMD4<Float>] in
    guard let base = values.baseAddress else { return [] }
    let rows = RegionRows(base, width: rows.shape.channels, room: rows.shape.width)
    return (0..<rows.count).map { rows.box($0) }
  }
}

/// Convolutions of the cells of regions, each with ReLU.
struct FloatRegionConvolutions: Sendable {
  /// K, odd.
  let kernel: Int
  /// K² · channels inputs each, in the order row, column, channel.
  var matrices: [FloatMatrix]

  /// Cells whose neighbourhoods are looked at, about.
  private static let lookedAt = 1024

  /// How many channels the last one makes; nil if they cannot follow each other.
  func outputChannels(of channels: Int) -> Int? {
    var channels = channels
    for matrix in matrices {
      guard matrix.inputs == kernel * kernel * channels else { return nil }
      channels = matrix.outputs
    }
    return channels
  }

  /// What the last of them makes, or the cells themselves.
  ///
  /// - Parameters:
  ///   - cells: Those of each region, side · side × channels.
  ///   - first: The number of the first among the node's products.
  func applied(
    to cells: [Float], side: Int, channels: Int, first: Int, _ observe: Observer
  ) -> [Float] {
    var cells = cells, channels = channels
    for (i, matrix) in matrices.enumerated() {
      let shape = Shape(height: side, width: side, channels: channels)
      var made = shape
      made.channels = matrix.outputs
      let size = side * side * channels, count = cells.count / size
      // Not all regions are looked at, since their neighbourhoods are many.
      let step = max(1, count * side * side / Self.lookedAt)
      var result: [Float] = []
      result.reserveCapacity(count * side * side * matrix.outputs)
      for region in 0..<count {
        let map = FloatMap(values: Array(cells[region * size..<(region + 1) * size]), shape: shape)
        let isLookedAt = region % step == 0
        result += matrix.convolved(
          map, kernel: kernel, stride: 1, to: made, relu: true, product: first + i
        ) { if isLookedAt { observe($0, $1, $2) } }
      }
      observe(.made(first + i), result, matrix.outputs)
      (cells, channels) = (result, matrix.outputs)
    }
    return cells
  }

  /// Makes the channels between convolutions alike.
  ///
  /// - Returns: What the last one's channels were multiplied with.
  mutating func equalize(
    first: Int, _ ranges: (Point.Role) -> Statistics?
  ) -> [Float]? {
    var factors: [Float]?
    for i in matrices.indices {
      if let factors { matrices[i].divideChannels(by: factors) }
      factors = ranges(.made(first + i)).map {
        equalizingFactors($0.magnitudes, exponent: 0.5)
      }
      if let factors { matrices[i].scaleOutputs(factors) }
    }
    return factors
  }

  /// Packs all, which read `source` first.
  ///
  /// - Returns: The matrices, and what the last one makes.
  func lowered(
    first: Int, _ source: Quantization, _ c: inout Lowering
  ) -> ([PackedMatrix], Quantization) {
    var source = source
    var packed: [PackedMatrix] = []
    for (i, matrix) in matrices.enumerated() {
      let quantized = c.quantized(matrix, first + i, inputScale: source.scale)
      let made = c.choose(.made(first + i), leastScale: quantized.leastOutputScale)
      packed.append(
        c.pack(quantized.fillingSegments(kernel: kernel), source, made, relu: true))
      source = made
    }
    return (packed, source)
  }
}
