// SPDX-License-Identifier: Apache-2.0

// Equalizer.swift says why attention leaves channels so much freedom.

extension FloatAttention {
  mutating func equalizeInside(_ ranges: (Point.Role) -> Statistics?) {
    guard let normalized = ranges(.normalized), let queries = ranges(.queries),
      let keys = ranges(.keys), let values = ranges(.values), let attended = ranges(.attended)
    else { return }
    LVTPlanner.equalize(&norm, &qkv, normalized)
    if case .neighbours = reach {
      equalize(
        values: values, factors: equalizingFactors(attended.magnitudes, exponent: 0.5))
    } else {
      equalize(queries: queries, keys: keys)
      equalize(
        values: values, factors: equalizingFactors(reaches(of: values), exponent: 0.5))
    }
  }

  /// Whether a constant may be taken off keys and values: not off the zeros outside a map, and not in
  /// front of LayerNorm.
  private var isShiftable: Bool {
    switch reach {
    case .window, .map: keyNorm == nil
    case .dilated, .neighbours: false
    }
  }

  /// How far the channels of keys or values reach from zero when they are equalized.
  private func reaches(of statistics: Statistics) -> [Float] {
    isShiftable ? statistics.halfWidths : statistics.magnitudes
  }

  /// Puts each channel of the keys around zero, and makes it as wide as the queries' channel.
  private mutating func equalize(queries: Statistics, keys: Statistics) {
    var factors = [Float](repeating: 1, count: 3 * channels)
    let reaches = reaches(of: keys), middles = keys.middles, magnitudes = queries.magnitudes
    for c in 0..<channels {
      if isShiftable { qkv.bias[channels + c] -= middles[c] }
      let query = magnitudes[c], key = reaches[c]
      guard query > 0, key > 0 else { continue }
      factors[c] = min(max((key / query).squareRoot(), 0x1p-8), 0x1p8)
      factors[channels + c] = 1 / factors[c]
    }
    qkv.scaleOutputs(factors)
  }

  /// Puts each channel of the values around zero, and scales it until the product behind.
  private mutating func equalize(values: Statistics, factors: [Float]) {
    if isShiftable {
      let middles = values.middles
      for c in 0..<channels { qkv.bias[2 * channels + c] -= middles[c] }
      for o in 0..<channels {
        for c in 0..<channels {
          project.bias[o] += project.weights[o * channels + c] * middles[c]
        }
      }
    }
    qkv.scaleOutputs([Float](repeating: 1, count: 2 * channels) + factors)
    project.scaleInputs(factors.map { 1 / $0 })
  }
}
