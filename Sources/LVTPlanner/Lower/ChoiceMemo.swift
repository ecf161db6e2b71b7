// SPDX-License-Identifier: Apache-2.0

/// Choices of ranges that are already known: a search takes longer than quantizing most matrices.
struct ChoiceMemo {
  private struct Key: Hashable {
    let point: Point
    let leastScale: Float
  }

  private var choices: [Key: RangeChoice] = [:]

  mutating func choice(
    _ point: Point, leastScale: Float, search: () -> RangeChoice
  ) -> RangeChoice {
    let key = Key(point: point, leastScale: leastScale)
    if let known = choices[key] { return known }
    let choice = search()
    choices[key] = choice
    return choice
  }
}
