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

  /// No placement meets the bound here: the search must say so, not claim it.
  @Test func boundThatCannotBeMetIsNotClaimed() {
    // At every step 2 of these 3 sizes are alive, in a pattern that leaves a gap somewhere.
    let items = [item(64, 0, 2), item(128, 0, 0), item(128, 2, 4), item(64, 4, 6), item(192, 3, 3)]
    let placement = ArenaPlanner(items).place()
    expectDisjoint(items, placement)
    #expect(placement.byteCount >= placement.lowerBound)
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
