// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// Places buffers in an arena so that buffers alive at the same step never share bytes.
///
/// Finding the smallest arena is NP-complete (dynamic storage allocation), but the largest sum of live
/// bytes over the steps is a bound below which no arena can be, and on the chains of these networks
/// it is nearly always reached:
///
///  1. The buffers are placed one by one, each in the smallest gap that fits between those placed
///     before it and alive with it ("best fit"), in several orders.
///  2. If the bound is not met, two entries of the best order change places, again and again.
///  3. If it is still not met, a branch and bound over canonical placements decides: every buffer lies at 0
///     or on top of another (the idea of MiniMalloc, ASPLOS 2023).
struct ArenaPlanner {
  /// What is to be placed.
  struct Item {
    let byteCount: Int
    let lifetime: Lifetime
  }

  /// Where everything lies.
  struct Placement {
    /// Of each item.
    var offsets: [Int]
    var byteCount: Int
    let lowerBound: Int
    /// Whether no smaller arena exists: the bound is met, or the search was exhaustive.
    var isOptimal: Bool
  }

  private let items: [Item]
  /// For each item, the others that are alive with it.
  private let neighbours: [[Int]]
  private let lowerBound: Int

  private static let swaps = 3000
  /// How many placements of an item the branch and bound tries before it gives up.
  static let searchNodes = 200_000

  /// - Parameter items: Sizes in multiples of 64.
  init(_ items: [Item]) {
    self.items = items
    neighbours = items.indices.map { i in
      items.indices.filter { $0 != i && items[$0].lifetime.overlaps(items[i].lifetime) }
    }
    let lastStep = items.map { $0.lifetime.lastStep }.max() ?? 0
    lowerBound =
      (0...lastStep).map { step in
        items.reduce(0) { total, item in
          let alive = item.lifetime.firstStep <= step && step <= item.lifetime.lastStep
          return total + (alive ? item.byteCount : 0)
        }
      }.max() ?? 0
  }

  /// The best placement found.
  func place(searchNodes: Int = Self.searchNodes) -> Placement {
    var best: (order: [Int], offsets: [Int], total: Int)?
    for order in orders() {
      let (offsets, total) = bestFit(order)
      if best.map({ total < $0.total }) ?? true { best = (order, offsets, total) }
    }
    guard var best else {
      return Placement(offsets: [], byteCount: 0, lowerBound: 0, isOptimal: true)
    }
    var generator = SplitMix64(seed: 0)
    for _ in 0..<Self.swaps where best.total > lowerBound && items.count > 1 {
      var order = best.order
      order.swapAt(
        Int.random(in: 0..<order.count, using: &generator),
        Int.random(in: 0..<order.count, using: &generator))
      let (offsets, total) = bestFit(order)
      if total <= best.total { best = (order, offsets, total) }
    }
    var result = Placement(
      offsets: best.offsets, byteCount: best.total, lowerBound: lowerBound,
      isOptimal: best.total == lowerBound)
    if !result.isOptimal {
      var search = Search(planner: self, best: result, nodesLeft: searchNodes)
      result = search.run()
    }
    return result
  }

  private func orders() -> [[Int]] {
    let all = Array(items.indices)
    func span(_ i: Int) -> Int { items[i].lifetime.lastStep - items[i].lifetime.firstStep + 1 }
    func sorted(by key: (Int) -> Int) -> [Int] {
      all.sorted { (key($0), items[$0].byteCount, -$0) > (key($1), items[$1].byteCount, -$1) }
    }
    return [
      sorted { items[$0].byteCount }, sorted { items[$0].byteCount * span($0) },
      sorted { -items[$0].lifetime.firstStep }, sorted { neighbours[$0].count },
    ]
  }

  private func bestFit(_ order: [Int]) -> (offsets: [Int], total: Int) {
    var offsets = [Int](repeating: -1, count: items.count)
    var total = 0
    for item in order {
      offsets[item] = smallestGap(for: item, offsets)
      total = max(total, offsets[item] + items[item].byteCount)
    }
    return (offsets, total)
  }

  /// The offset of the smallest gap that fits between the placed neighbours of an item, or on top.
  private func smallestGap(for item: Int, _ offsets: [Int]) -> Int {
    let placed = neighbours[item].filter { offsets[$0] >= 0 }.sorted { offsets[$0] < offsets[$1] }
    let needed = items[item].byteCount
    var best: (offset: Int, gap: Int)?
    var top = 0
    for other in placed {
      let gap = offsets[other] - top
      if gap >= needed, best.map({ gap < $0.gap }) ?? true { best = (top, gap) }
      top = max(top, offsets[other] + items[other].byteCount)
    }
    return best?.offset ?? top
  }

  /// Depth-first search over canonical placements below a known total.
  private struct Search {
    let planner: ArenaPlanner
    var best: Placement
    var nodesLeft: Int
    private var offsets: [Int]
    private let order: [Int]

    init(planner: ArenaPlanner, best: Placement, nodesLeft: Int) {
      self.planner = planner
      self.best = best
      self.nodesLeft = nodesLeft
      offsets = [Int](repeating: -1, count: planner.items.count)
      order = planner.items.indices.sorted {
        planner.items[$0].byteCount > planner.items[$1].byteCount
      }
    }

    mutating func run() -> Placement {
      descend(placed: 0, total: 0, floor: 0)
      best.isOptimal = nodesLeft > 0 || best.byteCount == best.lowerBound
      return best
    }

    /// - Parameter floor: Canonical placements are tried with offsets that never fall.
    private mutating func descend(placed: Int, total: Int, floor: Int) {
      guard nodesLeft > 0, best.byteCount > best.lowerBound else { return }
      nodesLeft -= 1
      if placed == order.count {
        best.offsets = offsets
        best.byteCount = total
        return
      }
      for item in order where offsets[item] < 0 {
        let size = planner.items[item].byteCount
        // The lowest offset at or above the floor that no placed neighbour covers.
        var offset = 0
        for other in planner.neighbours[item] where offsets[other] >= 0 {
          offset = max(offset, offsets[other] + planner.items[other].byteCount)
        }
        guard offset >= floor, offset + size < best.byteCount else { continue }
        offsets[item] = offset
        descend(placed: placed + 1, total: max(total, offset + size), floor: offset)
        offsets[item] = -1
      }
    }
  }
}
