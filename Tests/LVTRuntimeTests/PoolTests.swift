// SPDX-License-Identifier: Apache-2.0
import CLVTThreads
import Synchronization
import Testing

@Suite struct PoolTests {
  private final class Counter: Sendable {
    let runs = Atomic(0)
    let indices = Atomic(0)
  }

  @Test(arguments: [1, 2, 3, 8, 64])
  func everyThreadRunsOncePerRun(threads: Int) {
    let pool = lvt_pool_create(UInt32(threads))
    let counter = Counter()
    for _ in 0..<200 {
      lvt_pool_run(
        pool,
        { context, index in
          guard let context else { return }
          let counter = Unmanaged<Counter>.fromOpaque(context).takeUnretainedValue()
          counter.runs.add(1, ordering: .relaxed)
          counter.indices.add(Int(index), ordering: .relaxed)
        }, Unmanaged.passUnretained(counter).toOpaque())
    }
    lvt_pool_destroy(pool)
    #expect(counter.runs.load(ordering: .relaxed) == 200 * threads)
    #expect(counter.indices.load(ordering: .relaxed) == 200 * threads * (threads - 1) / 2)
  }

  private final class Rendezvous: Sendable {
    nonisolated(unsafe) let pool: OpaquePointer
    let threads: Int
    let arrived = Atomic(0)
    let wrong = Atomic(0)

    init(pool: OpaquePointer, threads: Int) {
      self.pool = pool
      self.threads = threads
    }
  }

  @Test func noThreadPassesABarrierEarly() throws {
    let pool = try #require(lvt_pool_create(4))
    let state = Rendezvous(pool: pool, threads: 4)
    lvt_pool_run(
      pool,
      { context, _ in
        guard let context else { return }
        let state = Unmanaged<Rendezvous>.fromOpaque(context).takeUnretainedValue()
        for round in 1...500 {
          state.arrived.add(1, ordering: .sequentiallyConsistent)
          lvt_pool_barrier(state.pool)
          if state.arrived.load(ordering: .sequentiallyConsistent) < round * state.threads {
            state.wrong.add(1, ordering: .relaxed)
          }
          lvt_pool_barrier(state.pool)
        }
      }, Unmanaged.passUnretained(state).toOpaque())
    lvt_pool_destroy(pool)
    #expect(state.wrong.load(ordering: .relaxed) == 0)
  }

  @Test func impossibleSizesAreRefused() {
    #expect(lvt_pool_create(0) == nil)
    #expect(lvt_pool_create(65) == nil)
  }
}
