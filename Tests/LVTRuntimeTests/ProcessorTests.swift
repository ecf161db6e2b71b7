// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTTestSupport
import Testing

@Suite struct ProcessorTests {
  /// A topology out of files below a folder of its own, by their paths.
  private func topology(_ allowed: String, _ files: [String: String]) throws -> ProcessorTopology {
    let root = NSTemporaryDirectory() + "lvt-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: root) }
    for (path, text) in files {
      let file = URL(fileURLWithPath: root + "/" + path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return ProcessorTopology(allowed: try #require(ProcessorSet(list: allowed)), root: root)
  }

  private func files(_ name: String, _ values: [Int]) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: values.enumerated().map {
        ("cpu\($0.offset)/\(name)", "\($0.element)\n")
      })
  }

  private func expect(
    _ topology: ProcessorTopology, threads: Int, on processors: String?,
    _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(topology.recommendedThreads == threads, sourceLocation: location)
    let set = processors.flatMap { ProcessorSet(list: $0) }
    #expect(
      topology.recommendedAffinity(threads: threads) == (set.map { .shared($0) } ?? .inherited),
      sourceLocation: location)
  }

  /// Four Cortex-A55 and four Cortex-A76 of two clusters, one of them clocked a little lower.
  private var rk3588: [String: String] {
    files("cpu_capacity", [530, 530, 530, 530, 1024, 1024, 1003, 1003])
  }

  @Test func bigCoresGetTheThreads() throws {
    let all = try topology("0-7", rk3588)
    expect(all, threads: 4, on: "4-7")
    #expect(all.recommendedAffinity(threads: 5) == .inherited)  // more than there are big cores
    // A part of them, as under taskset or in a container.
    expect(try topology("2-5", rk3588), threads: 2, on: "4-5")
    expect(try topology("0-3", rk3588), threads: 4, on: nil)
    expect(try topology("0,7", rk3588), threads: 1, on: "7")
    // Two big cores and four small ones, whose numbers come first.
    expect(
      try topology("0-5", files("cpu_capacity", [485, 485, 485, 485, 1024, 1024])), threads: 2,
      on: "4-5")
  }

  @Test func coresOfOneKindAreLeftToTheKernel() throws {
    expect(
      try topology("0-3", files("cpu_capacity", [1024, 1024, 1024, 1024])), threads: 4, on: nil)
    expect(try topology("0-63", [:]), threads: 4, on: nil)
    expect(try topology("0", [:]), threads: 1, on: nil)
    // One of 2.7 and three of 2.4 GHz are of one kind.
    expect(
      try topology("0-7", files("cpu_capacity", [380, 380, 380, 380, 910, 910, 910, 1024])),
      threads: 4, on: "4-7")
  }

  @Test func clockTellsWhereThereIsNoCapacity() throws {
    let clocks = files(
      "cpufreq/cpuinfo_max_freq",
      [1_800_000, 1_800_000, 1_800_000, 1_800_000, 2_400_000, 2_400_000, 2_256_000, 2_256_000])
    expect(try topology("0-7", clocks), threads: 4, on: "4-7")
    // Capacities of some only do not count beside clocks of all.
    expect(
      try topology("0-7", clocks.merging(["cpu0/cpu_capacity": "1024\n"]) { $1 }), threads: 4,
      on: "4-7")
    expect(try topology("0-7", clocks.filter { !$0.key.contains("cpu6/") }), threads: 4, on: nil)
  }

  @Test func offlineProcessorsDoNotCount() throws {
    // The kernel keeps the folder of an offline processor and takes its files away.
    var files = rk3588
    files["cpu5/cpu_capacity"] = nil
    files["cpu5/online"] = "0\n"
    expect(try topology("0-4,6-7", files), threads: 3, on: "4,6-7")
  }

  @Test func threadsOfOneCoreCountOnce() throws {
    let siblings = files("cpu_capacity", [1024, 1024, 1024, 1024]).merging([
      "cpu0/topology/thread_siblings_list": "0,2\n", "cpu1/topology/thread_siblings_list": "1,3\n",
      "cpu2/topology/thread_siblings_list": "0,2\n", "cpu3/topology/thread_siblings_list": "1,3\n",
    ]) { $1 }
    expect(try topology("0-3", siblings), threads: 2, on: nil)
    expect(try topology("1-2", siblings), threads: 2, on: nil)
    expect(try topology("0,2", siblings), threads: 1, on: nil)
  }

  @Test(arguments: [
    "", "\n", "0\n", "-1024\n", "1e3\n", "big\n", "2147483648\n", "99999999999999999999\n", "1024",
    "1024 \n", "\u{0}\n", "1024\n1024\n", String(repeating: "1", count: 300) + "\n",
  ])
  func whatIsNoNumberIsNoCapacity(text: String) throws {
    var files = rk3588
    files["cpu0/cpu_capacity"] = text
    expect(try topology("0-7", files), threads: 4, on: nil)
  }

  @Test(arguments: ["", "\n", "0-\n", "5-9\n", "all\n", "0-99999\n", "1,\n"])
  func whatIsNoListOfSiblingsIsACoreEach(text: String) throws {
    var files = rk3588
    for i in 0..<4 { files["cpu\(i)/topology/thread_siblings_list"] = text }
    expect(try topology("0-3", files), threads: 4, on: nil)
  }

  @Test func foldersAndPipesInPlaceOfFilesAreNotWaitedFor() throws {
    let root = NSTemporaryDirectory() + "lvt-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: root) }
    try FileManager.default.createDirectory(
      atPath: root + "/cpu0/cpu_capacity", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: root + "/cpu0/cpufreq", withIntermediateDirectories: true)
    #expect(mkfifo(root + "/cpu0/cpufreq/cpuinfo_max_freq", 0o600) == 0)
    expect(ProcessorTopology(allowed: ProcessorSet([0, 1]), root: root), threads: 2, on: nil)
    expect(ProcessorTopology(allowed: ProcessorSet([]), root: root), threads: 1, on: nil)
  }

  @Test func thisMachineHasATopology() {
    let topology = ProcessorTopology()
    #expect(!topology.allowed.numbers.isEmpty && !topology.fastest.numbers.isEmpty)
    #expect(topology.fastest.isSubset(of: topology.allowed))
    #expect((1...topology.fastest.numbers.count).contains(topology.fastestCores))
  }

  // MARK: Sets

  @Test(arguments: [
    ("0", [0], "0"), ("4-7", [4, 5, 6, 7], "4-7"), ("2,0", [0, 2], "0,2"),
    ("1,0-1,3-3", [0, 1, 3], "0-1,3"), ("1023", [1023], "1023"), ("63-64", [63, 64], "63-64"),
  ])
  func listsAreRead(text: String, numbers: [Int], written: String) throws {
    let set = try #require(ProcessorSet(list: text))
    #expect(set.numbers == numbers && set.description == written)
  }

  @Test(arguments: [
    "", ",", "0,", ",0", "-", "-1", "1-", "3-1", "1-2-3", "0 ", " 0", "+1", "0x1", "1024",
    "0-1024", "00000", "99999999999999999999", "٣", "a", "0;1", "\u{0}", "4-7\n",
  ])
  func whatIsNoListIsRefused(text: String) { #expect(ProcessorSet(list: text) == nil) }

  @Test func numbersOfNoProcessorAreLeftOut() {
    #expect(ProcessorSet([5, -1, 1024, 5, .max, .min]).numbers == [5])
  }

  // MARK: Engines

  @Test func processorsThatMayNotBeUsedAreErrors() throws {
    let plan = try TinyNetwork().compile(pictures: 1).plan
    let allowed = ProcessorSet.allowed
    let missing = ProcessorSet(allowed.numbers + [1023])
    for set in [missing, ProcessorSet([])] {
      for affinity in [Affinity.shared(set), .pinned(set)] {
        #expect(throws: EngineError.processors(requested: set, allowed: allowed)) {
          try Engine(plan: plan, affinity: affinity)
        }
      }
    }
    let one = ProcessorSet([allowed.numbers[0]])
    #expect(throws: EngineError.tooFewProcessors(one, threads: 2)) {
      try Engine(plan: plan, threads: 2, affinity: .pinned(one))
    }
  }

  @Test func placedThreadsGiveTheSameBits() throws {
    let plan = try TinyNetwork().compile(pictures: 1).plan
    let allowed = ProcessorSet.allowed
    let one = ProcessorSet([allowed.numbers[0]])
    for affinity in [Affinity.shared(allowed), .shared(one), .inherited] {
      #expect(try Engine(plan: plan, threads: 3, affinity: affinity).firstMismatch() == nil)
    }
    let threads = min(3, allowed.numbers.count)
    #expect(
      try Engine(plan: plan, threads: threads, affinity: .pinned(allowed)).firstMismatch() == nil)
  }

  @Test func callingThreadIsPlacedOnlyOnRequest() async throws {
    let plan = try TinyNetwork().compile(pictures: 1).plan
    // On a thread of its own, since a test's thread goes on with other tests.
    let results = await withCheckedContinuation { done in
      Thread.detachNewThread {
        let allowed = ProcessorSet.allowed
        let last = ProcessorSet(Array(allowed.numbers.suffix(1)))
        done.resume(
          returning: Result {
            let engine = try Engine(plan: plan, threads: 2, affinity: .shared(last))
            _ = engine.firstMismatch()
            let before = ProcessorSet.allowed
            try engine.placeCallingThread()
            return (before == allowed, ProcessorSet.allowed == last)
          })
      }
    }
    let (isLeftAlone, isPlaced) = try results.get()
    #expect(isLeftAlone && isPlaced)
  }
}
