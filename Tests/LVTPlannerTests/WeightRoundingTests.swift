// SPDX-License-Identifier: Apache-2.0
import LVTModel
import Testing

@testable import LVTPlanner

@Suite struct WeightRoundingTests {
  private let count = 27

  /// Rows of weights that look like noise.
  private func matrix(outputs: Int) -> FloatMatrix {
    var state: UInt32 = 7
    let weights = (0..<outputs * count).map { _ -> Float in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / 0x1p23 - 1
    }
    return FloatMatrix(
      inputs: count, outputs: outputs, weights: weights,
      bias: [Float](repeating: 0, count: outputs))
  }

  /// Inputs of variance 1 that have a share in common.
  private func moments(common: Double) -> InputMoments {
    let covariances = (0..<count * count).map { $0 % (count + 1) == 0 ? 1 : common }
    return InputMoments(
      means: [Double](repeating: 0, count: count),
      blocks: { [count] in [InputMoments.Block(inputs: 0..<count, covariances: covariances)] },
      rows: 1 << 20)
  }

  private func scales(_ matrix: FloatMatrix) -> [Float] {
    [Float](repeating: 1 / 127, count: matrix.outputs)
  }

  /// eᵀ C e of all rows.
  private func cost(_ matrix: FloatMatrix, _ rounded: [Int8], common: Double) -> Double {
    var total = 0.0
    for o in 0..<matrix.outputs {
      let errors = (o * count..<(o + 1) * count).map {
        Double(Float(rounded[$0]) / 127 - matrix.weights[$0])
      }
      let sum = errors.reduce(0, +)
      total += common * sum * sum + (1 - common) * errors.reduce(0) { $0 + $1 * $1 }
    }
    return total
  }

  private func nearest(_ matrix: FloatMatrix) -> [Int8] {
    matrix.weights.map { Int8(($0 * 127).rounded(.toNearestOrEven)) }
  }

  @Test func inputsThatVaryAlikeLoseLess() {
    let matrix = matrix(outputs: 20)
    let rounded = moments(common: 0.99).rounded(matrix, scales: scales(matrix))
    #expect(
      cost(matrix, rounded, common: 0.99) < 0.1 * cost(matrix, nearest(matrix), common: 0.99))
    #expect(zip(rounded, nearest(matrix)).allSatisfy { abs(Int($0) - Int($1)) <= 3 })
  }

  @Test func inputsOfTheirOwnAreRoundedToTheNearest() {
    let matrix = matrix(outputs: 3)
    #expect(moments(common: 0).rounded(matrix, scales: scales(matrix)) == nearest(matrix))
  }

  /// What is known of few positions is not trusted.
  @Test func fewPositionsChangeLittle() {
    let matrix = matrix(outputs: 20), known = moments(common: 0.99)
    let few = InputMoments(means: known.means, blocks: known.blocks, rows: 1)
    func changed(_ moments: InputMoments) -> Int {
      zip(moments.rounded(matrix, scales: scales(matrix)), nearest(matrix)).count { $0 != $1 }
    }
    #expect(changed(few) < changed(known))
  }

  /// Each row of a depth-wise filter reads inputs of its own.
  @Test func rowsOfDepthwiseFiltersHaveTheirOwnInputs() {
    let matrix = matrix(outputs: 2)
    let (first, second) = (moments(common: 0.99), moments(common: 0))
    let both = InputMoments(
      means: first.means + second.means,
      blocks: { [count] in
        var others = second.blocks()
        others[0].inputs = count..<2 * count
        return first.blocks() + others
      }, rows: 1 << 20)
    let rounded = both.rounded(matrix, scales: scales(matrix))
    let alike = first.rounded(matrix, scales: scales(matrix))
    #expect(Array(rounded[..<count]) == Array(alike[..<count]))
    #expect(Array(rounded[count...]) == Array(nearest(matrix)[count...]))
  }

  @Test func momentsAreThoseOfTheValues() throws {
    var statistics = Statistics(channels: 2)
    let values: [Float] = [1, 10, 2, 30, 3, 20, 6, 20]
    statistics.addRanges(values)
    statistics.addProducts(values, block: 2)
    let moments = try #require(statistics.moments)
    #expect(moments.means == [3, 20])
    let expected = [14.0 / 4, 10.0 / 4, 0, 200.0 / 4]
    for (a, b) in zip(moments.blocks()[0].covariances, expected) { #expect(abs(a - b) < 1e-4) }
    #expect(moments.rows == 4)
  }

  /// Inputs of more than one block are put together from two halves of the pictures as from all of them.
  @Test func sumsOfShardsAreThoseOfAll() throws {
    let values = (0..<40 * 5).map { Float(($0 * 7919) % 101) }
    var ranges = Statistics(channels: 5)
    ranges.addRanges(values)
    var (all, a, b) = (ranges, ranges, ranges)
    all.addProducts(values, block: 3)
    a.addProducts(Array(values[..<100]), block: 3)
    b.addProducts(Array(values[100...]), block: 3)
    ranges.mergeCounts(a)
    ranges.mergeCounts(b)
    let (whole, merged) = (try #require(all.moments), try #require(ranges.moments))
    #expect(merged.rows == 40 && whole.rows == 40)
    #expect(merged.blocks().map(\.inputs) == [0..<3, 3..<5])
    for (x, y) in zip(whole.blocks(), merged.blocks()) {
      for (x, y) in zip(x.covariances, y.covariances) { #expect(abs(x - y) <= 1e-3 * abs(x)) }
    }
  }

  @Test func inputsScaledAndOutsideThePicture() {
    let scaled = moments(common: 0.5).scaled((0..<count).map { Double($0 + 1) })
    #expect(scaled.blocks()[0].covariances[1] == 0.5 * 1 * 2)
    #expect(scaled.blocks()[0].covariances[count + 1] == 2 * 2)
    let outside = scaled.withOutside(), wider = 36
    #expect(outside.means.count == wider && outside.blocks()[0].inputs == 0..<wider)
    // The first colour of the first and the second tap, and what is outside.
    #expect(outside.blocks()[0].covariances[4] == 0.5 * 1 * 4)
    #expect(outside.blocks()[0].covariances[3] == 0)
    #expect(outside.blocks()[0].covariances[3 * wider + 3] == 0)
  }
}
