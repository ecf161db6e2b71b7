// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// What calibration knows of what a product reads: the mean of each input, and how inputs vary together.
///
/// A depth-wise filter reads other inputs for each row of its matrix: those of row after row are here.
struct InputMoments: Sendable {
  /// Covariances of neighbouring inputs.
  struct Block: Sendable {
    /// Which inputs.
    var inputs: Range<Int>
    /// Every two of them; the upper triangle.
    var covariances: [Double]
  }

  /// Of each input.
  var means: [Double]
  /// All inputs; computed when they are asked for, since most of the time the weights are known that are
  /// rounded with them.
  var blocks: @Sendable () -> [Block]
  /// Positions seen.
  let rows: Int

  /// Inputs of which all covariances are known are at most so many: a multiple of the colours, and few
  /// enough for their covariances to be small beside the weights of a large matrix.
  static let blockSize = 480

  /// The distance between positions of a map that are looked at: about 256 of them are.
  ///
  /// Odd, so that it seldom hits the same columns again and again.
  static func sampled(of positions: Int) -> Int { positions / 256 | 1 }

  /// The moments of inputs that are factors times as much.
  func scaled(_ factors: [Double]) -> InputMoments {
    var result = self
    for i in factors.indices { result.means[i] *= factors[i] }
    result.blocks = { [blocks] in
      blocks().map { block in
        let first = block.inputs.lowerBound, count = block.inputs.count
        var scaled = block
        for i in 0..<count {
          for j in i..<count {
            scaled.covariances[i * count + j] *= factors[first + i] * factors[first + j]
          }
        }
        return scaled
      }
    }
    return result
  }

  /// The moments of pixels of 0 … 255, these being of normalised ones.
  func onBytes(of network: Network) -> InputMoments {
    var result = scaled(means.indices.map { 255 * Double(network.deviation[$0 % 3]) })
    for i in means.indices { result.means[i] += 255 * Double(network.mean[i % 3]) }
    return result
  }

  /// Of each tap of a picture a fourth input behind its colours, which is 0 but outside the picture.
  func withOutside() -> InputMoments {
    @Sendable func place(_ input: Int) -> Int {
      input / 3 * Convolution.pictureChannels + input % 3
    }
    var result = self
    result.means = [Double](repeating: 0, count: place(means.count))
    for (i, mean) in means.enumerated() { result.means[place(i)] = mean }
    result.blocks = { [blocks] in
      blocks().map { block in
        let count = block.inputs.count, wider = place(count)
        var covariances = [Double](repeating: 0, count: wider * wider)
        for i in 0..<count {
          for j in i..<count {
            covariances[place(i) * wider + place(j)] = block.covariances[i * count + j]
          }
        }
        return Block(
          inputs: place(block.inputs.lowerBound)..<place(block.inputs.upperBound),
          covariances: covariances)
      }
    }
    return result
  }
}

/// Sums of products of inputs, which become covariances.
struct ProductSums: Sendable {
  private let block: Int
  private var sums: [Float]
  private var rows = 0

  init(inputs: Int, block: Int) {
    self.block = min(block, inputs)
    sums = [Float](repeating: 0, count: inputs * self.block)
  }

  /// - Parameters:
  ///   - centres: What is taken off inputs; their means.
  ///   - factors: What inputs are then multiplied with; it keeps sums of products in the range of floats.
  mutating func add(_ values: [Float], centres: [Double], factors: [Double]) {
    let count = centres.count, positions = values.count / count
    let step = InputMoments.sampled(of: positions), sampled = (positions + step - 1) / step
    lvtf_add_products(values, sampled, step * count, count, block, centres, factors, &sums)
    rows += sampled
  }

  mutating func merge(_ other: ProductSums) {
    for i in sums.indices { sums[i] += other.sums[i] }
    rows += other.rows
  }

  /// The moments of the inputs that the sums are of.
  func moments(centres: [Double], factors: [Double]) -> InputMoments {
    InputMoments(
      means: centres,
      blocks: {
        let count = centres.count
        return stride(from: 0, to: count, by: block).map { first in
          let inputs = first..<min(count, first + block), size = inputs.count
          var covariances = [Double](repeating: 0, count: size * size)
          for i in inputs {
            for j in i..<inputs.upperBound {
              covariances[(i - first) * size + j - first] =
                Double(sums[i * block + j - first]) / Double(max(1, rows)) / factors[i] / factors[j]
            }
          }
          return InputMoments.Block(inputs: inputs, covariances: covariances)
        }
      }, rows: rows)
  }
}
