// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// What is asked of the range of a point.
struct RangeRequest: Hashable {
  /// What becomes of the values before their error counts.
  enum Transform: Hashable {
    case identity
    case gelu

    var function: (Float) -> Float {
      switch self {
      case .identity: { $0 }
      case .gelu: { LVTPlanner.gelu($0) }
      }
    }
  }

  var leastScale: Float = 0
  var symmetric = false
  var transform = Transform.identity
}

/// Choices of ranges and rounded weights that are already known: they take longer than all else of a lowering.
struct ChoiceMemo {
  private struct Key: Hashable {
    let point: Point
    let request: RangeRequest
  }

  /// Weights, and what was made of them.
  private struct KnownMatrix {
    let weights: [Float]
    let bestScales: [Float]
    var rounded: [RoundedWeights] = []
  }

  private var choices: [Key: RangeChoice] = [:]
  private var matrices: [Point: [KnownMatrix]] = [:]

  /// The scale of each row by its weights alone, of a matrix that reads what was observed at a point.
  mutating func bestScales(_ point: Point, _ matrix: FloatMatrix) -> [Float] {
    known(point, matrix) { $0.bestScales }
  }

  /// The weights of a matrix that reads what was observed at a point.
  mutating func rounded(
    _ point: Point, _ matrix: FloatMatrix, scales: [Float], _ inputs: InputMoments
  ) -> RoundedWeights {
    known(point, matrix) { known in
      if let rounded = known.rounded.first(where: { $0.scales == scales }) { return rounded }
      let rounded = RoundedWeights(
        matrix, inputs.rounded(matrix, scales: scales), scales: scales, means: inputs.means)
      known.rounded.append(rounded)
      return rounded
    }
  }

  private mutating func known<T>(
    _ point: Point, _ matrix: FloatMatrix, _ body: (inout KnownMatrix) -> T
  ) -> T {
    var i = matrices[point]?.firstIndex { $0.weights.isIdentical(to: matrix.weights) }
    if i == nil {
      matrices[point, default: []].append(
        KnownMatrix(weights: matrix.weights, bestScales: matrix.bestScales))
      i = (matrices[point]?.count ?? 1) - 1
    }
    return body(&matrices[point, default: []][i ?? 0])
  }

  mutating func choice(
    _ point: Point, _ request: RangeRequest, _ statistics: Statistics
  ) -> RangeChoice {
    let key = Key(point: point, request: request)
    if let known = choices[key] { return known }
    let choice = RangeChooser(
      statistics, symmetric: request.symmetric, transform: request.transform.function
    ).choose(leastScale: request.leastScale)
    choices[key] = choice
    return choice
  }
}

extension [Float] {
  /// Whether the bits are the same.
  fileprivate func isIdentical(to other: [Float]) -> Bool {
    guard count == other.count else { return false }
    return withUnsafeBytes { a in
      other.withUnsafeBytes { b in
        guard let a = a.baseAddress, let b = b.baseAddress else { return true }
        return a == b || memcmp(a, b, count * MemoryLayout<Float>.stride) == 0
      }
    }
  }
}
