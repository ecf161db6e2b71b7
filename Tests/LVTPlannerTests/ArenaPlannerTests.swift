// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

@testable import LVTPlanner

@Suite struct ArenaPlannerTests {
  private func item(_ bytes: Int, _ first: Int, _ last: Int) -> ArenaPlanner.Item {
    .init(byteCount: bytes, lifetime: Lifetime(firstStep: first, lastStep: last))
  }

  private func expectDisjoint(_ items: [ArenaPlanner.Item], _ placement: ArenaPlanner.Placement) {
    for i in items.indices {
      #expect(placement.offsets[i] >= 0)
      #expect(placement.offsets[i] + items[i].byteCount <= placement.byteCount)
      for j in 0..<i where items[i].lifetime.overlaps(items[j].lifetime) {
        let apart =
          placement.offsets[i] + items[i].byteCount <= placement.offsets[j]
          || placement.offsets[j] + items[j].byteCount <= placement.offsets[i]
        #expect(apart, "items \(j) and \(i)")
      }
    }
  }

  @Test func buffersThatNeverMeetShareBytes() {
    let items = [item(640, 0, 1), item(640, 2, 3), item(640, 4, 4)]
    let placement = ArenaPlanner(items).place()
    #expect(placement.offsets == [0, 0, 0])
    #expect(placement.byteCount == 640 && placement.isOptimal)
  }

  @Test func buffersThatMeetLieApart() {
    let items = [item(128, 0, 1), item(64, 1, 2), item(192, 2, 3)]
    let placement = ArenaPlanner(items).place()
    expectDisjoint(items, placement)
    #expect(placement.lowerBound == 256)
    #expect(placement.byteCount == 256 && placement.isOptimal)
  }

  @Test func nothingNeedsNoArena() {
    #expect(ArenaPlanner([]).place().byteCount == 0)
  }

  /// The fewest units of 64 bytes in which items fit, by trying all offsets of all items.
  private func smallestArena(_ items: [ArenaPlanner.Item]) -> Int {
    let sizes = items.map { $0.byteCount / 64 }
    var offsets = [Int](repeating: 0, count: items.count)
    func fits(_ i: Int, in arena: Int) -> Bool {
      if i == items.count { return true }
      for offset in 0..<max(0, arena - sizes[i] + 1) {
        let isFree = (0..<i).allSatisfy { j in
          !items[i].lifetime.overlaps(items[j].lifetime)
            || offset + sizes[i] <= offsets[j] || offsets[j] + sizes[j] <= offset
        }
        offsets[i] = offset
        if isFree, fits(i + 1, in: arena) { return true }
      }
      return false
    }
    var arena = 0
    while !fits(0, in: arena) { arena += 1 }
    return arena
  }

  @Test func smallCasesAreOptimal() {
    var generator = SplitMix64(seed: 9)
    for _ in 0..<400 {
      let items = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
        let first = Int.random(in: 0...5, using: &generator)
        return item(
          64 * Int.random(in: 1...4, using: &generator), first,
          first + Int.random(in: 0...3, using: &generator))
      }
      let smallest = 64 * smallestArena(items)
      for nodes in [0, 20, ArenaPlanner.searchNodes] {
        let placement = ArenaPlanner(items).place(searchNodes: nodes)
        expectDisjoint(items, placement)
        #expect(placement.lowerBound <= smallest && smallest <= placement.byteCount)
        #expect(!placement.isOptimal || placement.byteCount == smallest)
      }
      #expect(ArenaPlanner(items).place().isOptimal)
    }
  }

  /// At every step at most 5 units are alive, but they fit in no fewer than 6.
  private var unreachable: [ArenaPlanner.Item] {
    [
      item(192, 0, 0), item(192, 4, 4), item(128, 0, 1), item(128, 1, 3), item(128, 3, 4),
      item(64, 1, 2), item(64, 2, 3),
    ]
  }

  @Test func searchProvesThatABoundCannotBeMet() {
    let items = unreachable
    #expect(smallestArena(items) == 6)
    let placement = ArenaPlanner(items).place()
    expectDisjoint(items, placement)
    #expect(placement.lowerBound == 5 * 64)
    #expect(placement.byteCount == 6 * 64 && placement.isOptimal)
  }

  @Test(arguments: [0, 1, 10])
  func searchThatEndsEarlyProvesNothing(nodes: Int) {
    let items = unreachable
    let placement = ArenaPlanner(items).place(searchNodes: nodes)
    expectDisjoint(items, placement)
    #expect(placement.byteCount == 6 * 64 && !placement.isOptimal)
  }

  @Test func randomGraphsAreValidAndNearTheBound() {
    var generator = SplitMix64(seed: 5)
    for _ in 0..<60 {
      let items = (0..<Int.random(in: 1...24, using: &generator)).map { _ in
        let first = Int.random(in: 0...20, using: &generator)
        return item(
          64 * Int.random(in: 1...50, using: &generator), first,
          first + Int.random(in: 0...4, using: &generator))
      }
      let placement = ArenaPlanner(items).place()
      expectDisjoint(items, placement)
      #expect(placement.byteCount >= placement.lowerBound)
      #expect(placement.byteCount <= items.reduce(0) { $0 + $1.byteCount })
      #expect(Double(placement.byteCount) <= 1.25 * Double(placement.lowerBound))
    }
  }

  @Test func networksReachTheBound() throws {
    var network = TinyNetwork()
    network.depths = [2, 2, 6, 2]
    network.input = 64
    let compiled = try network.compile(pictures: 2)
    #expect(compiled.arenaIsOptimal)
    #expect(compiled.plan.arenaBytes == compiled.arenaLowerBound)
  }
}
