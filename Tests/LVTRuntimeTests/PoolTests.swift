// SPDX-License-Identifier: Apache-2.0
import CLVTThreads
import Foundation
import LVT
import Synchronization
import Testing

@Suite struct PoolTests {
  private func createPool(_ threads: Int, _ processors: [UInt64]? = nil) throws -> OpaquePointer {
    var pool: OpaquePointer?
    let status = lvt_pool_create(UInt32(threads), processors, &pool)
    #expect(status == 0)
    return try #require(pool)
  }

  private final class Counter: Sendable {
    let runs = Atomic(0)
    let indices = Atomic(0)
  }

  @Test(arguments: [1, 2, 3, 8, 64])
  func everyThreadRunsOncePerRun(threads: Int) throws {
    let pool = try createPool(threads)
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
    let pool = try createPool(4)
    let state = Rendezvous(pool: pool, threads: 4)
    lvt_pool_run(
      pool,
      { context, index in
        guard let context else { return }
        let state = Unmanaged<Rendezvous>.fromOpaque(context).takeUnretainedValue()
        for round in 1...500 {
          state.arrived.add(1, ordering: .sequentiallyConsistent)
          lvt_pool_barrier(state.pool, index)
          if state.arrived.load(ordering: .sequentiallyConsistent) < round * state.threads {
            state.wrong.add(1, ordering: .relaxed)
          }
          lvt_pool_barrier(state.pool, index)
        }
      }, Unmanaged.passUnretained(state).toOpaque())
    lvt_pool_destroy(pool)
    #expect(state.wrong.load(ordering: .relaxed) == 0)
  }

  @Test func aWaitIsForTheOtherThreadsProgress() throws {
    let pool = try createPool(3)
    let state = Rendezvous(pool: pool, threads: 3)
    for _ in 0..<3 {
      state.arrived.store(0, ordering: .relaxed)
      // Each thread takes its turn after the one before it.
      lvt_pool_run(
        pool,
        { context, index in
          guard let context else { return }
          let state = Unmanaged<Rendezvous>.fromOpaque(context).takeUnretainedValue()
          for round in 1...200 {
            let before = index == 0 ? 2 : index - 1
            let turn = index == 0 ? round - 1 : round
            lvt_pool_wait(state.pool, index, before, UInt32(8 * turn))
            let seen = state.arrived.add(1, ordering: .relaxed).oldValue
            if seen != 3 * (round - 1) + Int(index) { state.wrong.add(1, ordering: .relaxed) }
            lvt_pool_advance(state.pool, index, UInt32(8 * round))
          }
        }, Unmanaged.passUnretained(state).toOpaque())
    }
    lvt_pool_destroy(pool)
    #expect(state.wrong.load(ordering: .relaxed) == 0)
  }

  /// What each thread of a pool says of itself.
  private final class Report: Sendable {
    nonisolated(unsafe) let clocks: UnsafeMutablePointer<clockid_t>
    nonisolated(unsafe) let processors: UnsafeMutablePointer<UInt64>
    let threads: Int

    init(threads: Int) {
      self.threads = threads
      clocks = .allocate(capacity: threads)
      processors = .allocate(capacity: threads * Int(LVT_PROCESSOR_WORDS))
    }

    deinit {
      clocks.deallocate()
      processors.deallocate()
    }

    func fill(by pool: OpaquePointer) {
      lvt_pool_run(
        pool,
        { context, index in
          guard let context else { return }
          let report = Unmanaged<Report>.fromOpaque(context).takeUnretainedValue()
          pthread_getcpuclockid(pthread_self(), report.clocks + Int(index))
          _ = lvt_processors_allowed(
            report.processors + Int(index) * Int(LVT_PROCESSOR_WORDS))
        }, Unmanaged.passUnretained(self).toOpaque())
    }

    func processors(ofThread thread: Int) -> ProcessorSet {
      let words = processors + thread * Int(LVT_PROCESSOR_WORDS)
      return ProcessorSet((0..<Int(LVT_PROCESSORS)).filter { words[$0 / 64] >> ($0 % 64) & 1 != 0 })
    }

    /// Nanoseconds that the threads after the first have worked.
    var work: Int {
      (1..<threads).reduce(0) { sum, thread in
        var time = timespec()
        clock_gettime(clocks[thread], &time)
        return sum + time.tv_sec * 1_000_000_000 + time.tv_nsec
      }
    }
  }

  @Test func idleThreadsDoNotSpin() throws {
    let pool = try createPool(4)
    let report = Report(threads: 4)
    report.fill(by: pool)
    let before = report.work
    Thread.sleep(forTimeInterval: 0.5)
    // Three threads that spun would have worked for up to 1.5 s; they may for some microseconds each.
    #expect(report.work - before < 5_000_000)
    lvt_pool_destroy(pool)
  }

  @Test func threadsRunOnTheirProcessorsAndTheCallerWhereItDid() throws {
    let allowed = ProcessorSet.allowed
    let sets = [allowed.numbers[0], allowed.numbers[allowed.numbers.count - 1]]
      .map { ProcessorSet([$0]) }
    var words = [UInt64](repeating: 0, count: 3 * Int(LVT_PROCESSOR_WORDS))
    for (thread, set) in [(0, sets[0]), (1, sets[1]), (2, sets[0])] {
      let n = set.numbers[0]
      words[thread * Int(LVT_PROCESSOR_WORDS) + n / 64] = 1 << (n % 64)
    }
    let pool = try createPool(3, words)
    let report = Report(threads: 3)
    report.fill(by: pool)
    lvt_pool_destroy(pool)
    #expect((0..<3).map { report.processors(ofThread: $0) } == [allowed, sets[1], sets[0]])
    // No processor at all: the system starts no thread.
    var none: OpaquePointer?
    #expect(lvt_pool_create(2, [UInt64](repeating: 0, count: 32), &none) == -EINVAL)
    #expect(none == nil)
  }

  @Test func impossibleSizesAreRefused() {
    for threads: UInt32 in [0, 65, .max] {
      var none: OpaquePointer?
      #expect(lvt_pool_create(threads, nil, &none) == -EINVAL)
      #expect(none == nil)
    }
  }
}
