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

/// Choices of ranges that are already known: a search takes longer than quantizing most matrices.
struct ChoiceMemo {
  private struct Key: Hashable {
    let point: Point
    let request: RangeRequest
  }

  private var choices: [Key: RangeChoice] = [:]

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
