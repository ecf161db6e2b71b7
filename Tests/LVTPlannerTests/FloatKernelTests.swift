// SPDX-License-Identifier: Apache-2.0
import CLVTFloat
import Foundation
import Testing

@Suite struct FloatKernelTests {
  @Test func geluIsTheErrorFunctions() {
    let inputs = (-4000...4000).map { Float($0) / 400 }
    var outputs = inputs
    lvtf_gelu(&outputs, outputs.count)
    for (x, y) in zip(inputs, outputs) {
      let exact = Double(x) / 2 * (1 + erf(Double(x) / 2.0.squareRoot()))
      #expect(abs(Double(y) - exact) < 3e-7 * max(1, abs(Double(x))), "\(x)")
    }
  }

  /// As many inputs as neither registers nor blocks are wide.
  @Test(arguments: [(rows: 9, k: 37, block: 20), (rows: 3, k: 5, block: 5), (270, 70, 64)])
  func productsOfInputsAreAddedUp(rows: Int, k: Int, block: Int) {
    let values = randomFloats(rows * k, seed: 1)
    let centres = (0..<k).map { Double($0 % 3) / 10 }, factors = (0..<k).map { 1 + Double($0 % 2) }
    var sums = [Float](repeating: 1, count: k * block)
    lvtf_add_products(values, rows, k, k, block, centres, factors, &sums)
    for i in 0..<k {
      let first = i / block * block
      for j in i..<min(k, first + block) {
        let expected = (0..<rows).reduce(1.0) { sum, row in
          func input(_ c: Int) -> Double { (Double(values[row * k + c]) - centres[c]) * factors[c] }
          return sum + input(i) * input(j)
        }
        #expect(abs(Double(sums[i * block + j - first]) - expected) < 1e-3, "\(i) \(j)")
      }
    }
  }

  /// With and without LayerNorm in the softmax's place; keys are not all queries, and none is at its own position.
  @Test(arguments: [false, true], [3, 24, 50])
  func attentionIsAWeightedMean(isNormalized: Bool, keys count: Int) {
    let heads = 2, size = 5, channels = heads * size, positions = count + 1
    let qkv = randomFloats(positions * 3 * channels, seed: 2)
    let biases = randomFloats(heads * (2 * count + 1), seed: 3), scale: Float = 0.4
    let keys = (0..<count).map { lvtf_place(position: $0 + 1, place: $0) }
    let queries = Array(keys.dropFirst())
    let gamma: [Float] = [0.5, 2], beta: [Float] = [0.1, -0.2]
    var result = [Float](repeating: 7, count: positions * channels)
    var scratch = [Float](repeating: 0, count: lvtf_attention_scratch(count, size))
    lvtf_attention(
      qkv, channels, heads, queries, queries.count, keys, count, scale, biases, 2 * count + 1,
      isNormalized ? gamma : nil, isNormalized ? beta : nil, 1e-5, &scratch, &result)
    #expect(result[..<(2 * channels)].allSatisfy { $0 == 7 }, "a position that is no query")
    for query in queries {
      for head in 0..<heads {
        func value(_ position: Int, _ part: Int, _ c: Int) -> Double {
          Double(qkv[(position * 3 + part) * channels + head * size + c])
        }
        var weights = keys.map { key -> Double in
          let product = (0..<size).reduce(0.0) {
            $0 + value(query.position, 0, $1) * value(key.position, 1, $1)
          }
          let bias = biases[head * (2 * count + 1) + count + key.place - query.place]
          return Double(scale) * product + Double(bias)
        }
        if isNormalized {
          weights = weights.map { max(0, $0) }
          let mean = weights.reduce(0, +) / Double(count)
          let variance = weights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
          weights = weights.map {
            Double(gamma[head]) * ($0 - mean) / (variance + 1e-5).squareRoot() + Double(beta[head])
          }
        } else {
          weights = weights.map { exp($0) }
          let total = weights.reduce(0, +)
          weights = weights.map { $0 / total }
        }
        for c in 0..<size {
          let expected = zip(keys, weights).reduce(0) { $0 + $1.1 * value($1.0.position, 2, c) }
          let found = Double(result[query.position * channels + head * size + c])
          #expect(abs(found - expected) < 1e-4, "\(query) \(head) \(c)")
        }
      }
    }
  }
}

/// −1 … 1.
private func randomFloats(_ count: Int, seed: UInt64) -> [Float] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { _ in .random(in: -1...1, using: &generator) }
}
