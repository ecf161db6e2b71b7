// SPDX-License-Identifier: Apache-2.0

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

  private struct RoundedMatrix {
    let weights: [Float]
    let scales: [Float]
    let result: [Int8]
  }

  private var choices: [Key: RangeChoice] = [:]
  private var matrices: [Point: [RoundedMatrix]] = [:]

  /// The weights of a matrix that reads what was observed at a point.
  mutating func rounded(
    _ point: Point, _ matrix: FloatMatrix, scales: [Float], _ inputs: InputMoments
  ) -> [Int8] {
    let all = matrices[point, default: []]
    if let known = all.first(where: { $0.scales == scales && $0.weights == matrix.weights }) {
      return known.result
    }
    let result = inputs.rounded(matrix, scales: scales)
    matrices[point, default: []].append(
      RoundedMatrix(weights: matrix.weights, scales: scales, result: result))
    return result
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
