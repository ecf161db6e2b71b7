// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import Dispatch

// Rounding each weight to the nearest step makes their errors as small as can be, but not what comes of
// them: neighbouring pixels, and channels that say much the same, are nearly equal, so errors of their weights
// add up or cancel. With the covariance C of the inputs, a row's error e costs eᵀ C e; the mean goes into
// the bias. Weights are rounded one after the other, and those still to be rounded make up for the error as
// well as they can. With C = Uᵀ D U, U upper triangular with ones on the diagonal, the cost is
// Σ D[i] · (e[i] + Σ_{j > i} U[i, j] · e[j])²: from the last to the first, each weight is rounded where its
// term is least (Babai's nearest plane; in another order, "GPTQ", Frantar and others, arXiv 2210.17323).

extension InputMoments {
  /// A matrix's weights as integers, −127 … 127.
  ///
  /// - Parameter scales: Of the rows.
  func rounded(_ matrix: FloatMatrix, scales: [Float]) -> [Int8] {
    let blocks = blocks()
    var result = [Int8](repeating: 0, count: matrix.weights.count)
    matrix.weights.withUnsafeBufferPointer { weights in
      result.withUnsafeMutableBufferPointer { result in
        guard let source = weights.baseAddress, let out = result.baseAddress else { return }
        // Every block has weights of its own.
        nonisolated(unsafe) let (weights, result) = (source, out)
        DispatchQueue.concurrentPerform(iterations: blocks.count) { b in
          // The inputs of one row of a depth-wise filter, or those of all rows.
          let block = blocks[b], first = block.inputs.lowerBound
          let isOfAll = means.count == matrix.inputs
          let row = first / matrix.inputs
          let rows = isOfAll ? 0..<matrix.outputs : row..<row + 1
          lvtf_round_weights(
            weights + first, rows.count, matrix.inputs, block.inputs.count,
            unitFactor(of: block), Array(scales[rows]), result + first)
        }
      }
    }
    return result
  }

  /// U of a block's covariances.
  private func unitFactor(of block: Block) -> [Float] {
    let count = block.inputs.count
    var matrix = block.covariances
    let diagonal = (0..<count).map { matrix[$0 * (count + 1)] }
    // Inputs are rounded themselves, and covariances of few positions know little: independent noise in every
    // input keeps the factor from trusting them too far.
    let noise =
      (0.01 + Double(count) / Double(max(1, rows))) * diagonal.reduce(0, +) / Double(count)
    for i in 0..<count { matrix[i * (count + 1)] += max(noise, 0x1p-300) }
    lvtf_unit_factor(&matrix, count)
    return matrix.map { Float($0) }
  }
}

/// A matrix's weights as integers, and what comes of it.
struct RoundedWeights {
  /// Row after row, −127 … 127.
  let weights: [Int8]
  /// Of the rows.
  let scales: [Float]
  /// What rounding adds to the sum of each row on average.
  let drifts: [Double]

  /// - Parameter means: The mean of each input; if rows read different inputs, those of row after row.
  init(_ matrix: FloatMatrix, _ weights: [Int8], scales: [Float], means: [Double]) {
    self.weights = weights
    self.scales = scales
    drifts = concurrentMap(matrix.outputs) {
      matrix.drift(ofRow: $0, weights, scale: scales[$0], means: means)
    }
  }
}

extension FloatMatrix {
  /// The scale of each row by its weights alone.
  var bestScales: [Float] {
    weights.withUnsafeBufferPointer { weights in
      // Nothing writes to them meanwhile.
      nonisolated(unsafe) let first = weights.baseAddress
      return concurrentMap(outputs) { [inputs] o in
        lvtf_weight_scale(first.map { $0 + o * inputs }, inputs)
      }
    }
  }

  /// What integers in the place of a row's weights add to its sum on average.
  func drift(
    ofRow row: Int, _ integers: [Int8], scale: Float, means: [Double]
  ) -> Double {
    let first = row * inputs
    return weights.withUnsafeBufferPointer { weights in
      integers.withUnsafeBufferPointer { integers in
        means.withUnsafeBufferPointer { means in
          lvtf_drift(
            weights.baseAddress.map { $0 + first }, integers.baseAddress.map { $0 + first }, inputs,
            scale, means.baseAddress.map { $0 + (means.count == inputs ? 0 : first) })
        }
      }
    }
  }
}
