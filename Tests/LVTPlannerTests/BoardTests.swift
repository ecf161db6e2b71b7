// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTTestSupport
import Testing

@testable import LVTPlanner

/// The boards' files, and what is made of them.
@Suite struct BoardTests {
  private func board() throws -> Board { try KnownBoards.board("raspberry-pi-4b") }

  @Test func everyFolderIsKnown() throws {
    let folder = repository + "/boards"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
      FileManager.default.fileExists(atPath: "\(folder)/\($0)/board.json")
    }
    #expect(KnownBoards.names == names.sorted())
    for (i, name) in KnownBoards.names.enumerated() {
      let file = try Data(contentsOf: URL(filePath: "\(folder)/\(name)/board.json"))
      #expect(KnownBoards.bytes(i) == Array(file), "\(name)")
    }
  }

  @Test func tableFitsATerminal() throws {
    for line in try BoardTable.text().split(separator: "\n") { #expect(line.count <= 80) }
  }

  @Test func everyBoardIsReadAndNamesItsSources() throws {
    #expect(KnownBoards.names.count >= 11)
    for name in KnownBoards.names {
      let board = try KnownBoards.board(name)
      #expect(board.sources["perCycle"] != nil, "\(name)")
      #expect(board.sources["memory.gigabytesPerSecond"] != nil || name == "generic-aarch64")
      for cluster in board.clusters {
        #expect(ISA(name: cluster.isa) != nil, "\(name): \(cluster.isa)")
      }
    }
  }

  @Test func unknownNamesAreAnsweredWithTheKnownOnes() {
    #expect(throws: BoardError.unknown("pi", known: KnownBoards.names)) {
      try KnownBoards.board("pi")
    }
    #expect(throws: BoardError.unknown("../boards/beagleplay", known: KnownBoards.names)) {
      try KnownBoards.board("../boards/beagleplay")
    }
    #expect(
      throws: BoardError.unreadable(
        .cannotRead(file: "no/board.json", reason: "No such file or directory"))
    ) { try KnownBoards.board("no/board.json") }
  }

  @Test(
    arguments: [
      ("\"count\": 4", "\"count\": 0", "clusters.0.count"),
      ("\"megahertz\": 1500", "\"megahertz\": \"fast\"", "clusters.0.megahertz"),
      ("\"gemm_s8\"", "\"gemm\"", "clusters.0.perCycle.gemm_s8"),
      ("\"megabytes\"", "\"bytes\"", "memory.megabytes"),
      ("\"systemMegabytes\": 192", "\"systemMegabytes\": 5000", "memory.systemMegabytes"),
      ("\"megabytes\": 1024", "\"megabytes\": -1", "memory.megabytes"),
      ("\"megabytes\": 1024", "\"megabytes\": -9223372036854775808", "memory.megabytes"),
      ("\"megabytes\": 1024", "\"megabytes\": 99999999999999999999", ".json: "),
      ("\"megabytes\": 1024", "\"megabytes\": 1e308", ".json: "),
      ("\"systemMegabytes\": 192", "\"systemMegabytes\": -1", "memory.systemMegabytes"),
      ("\"gemm_s8\": ", "\"gemm_s8\": -", "clusters.0.perCycle.gemm_s8"),
      ("\"gemm_s8\": ", "\"gemm_s8\": 1e-320, \"\": ", "clusters.0.perCycle.gemm_s8"),
      (
        "\"gigabytesPerSecond\": ", "\"gigabytesPerSecond\": 1e-320, \"\": ",
        "memory.gigabytesPerSecond"
      ),
      ("{", "[", ".json: "),
    ])
  func aFileThatIsNoBoardsIsRefusedWithThePlace(
    old: String, new: String, place: String
  ) throws {
    let source = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../boards/raspberry-pi-4b/board.json")
    var text = try String(contentsOf: source, encoding: .utf8)
    let range = try #require(text.range(of: old))
    text.replaceSubrange(range, with: new)
    let path = NSTemporaryDirectory() + "lvt-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let error = #expect(throws: BoardError.self) { try Board(path: path) }
    #expect("\(try #require(error))".contains(place))
  }

  /// Strips never change a result, and a board's plan asks for its cores.
  @Test func aPlanForABoardComputesTheSame() throws {
    let network = TinyNetwork.swin
    let plain = try network.compile(pictures: 1)
    var board = try board()
    board.clusters[0].l2Kilobytes = 4  // strips as long as can be, since no weights stay
    let fitted = try network.compile(pictures: 1, schedule: board.schedule)
    #expect(fitted.plan.threads == 4)
    #expect(plain.plan.threads == nil)
    #expect(fitted.plan.steps.map(\.stripRows) != plain.plan.steps.map(\.stripRows))
    #expect(fitted.plan.golden == plain.plan.golden)
  }

  @Test func stripsAreLongOnlyWhereWeightsPassBy() throws {
    var schedule = Schedule()
    func rows(_ channels: Int, positions: Int) -> Int {
      var mlp = MLP()
      (mlp.expand.k, mlp.expand.n) = (channels, 4 * channels)
      (mlp.project.k, mlp.project.n) = (4 * channels, channels)
      return schedule.stripRows(.mlp(mlp), positions: positions)
    }
    schedule.cacheBytes = 512 << 10
    #expect(rows(96, positions: 3136) == 60)
    #expect(rows(384, positions: 196) == 149)  // 7/8 · 512 kB / (1536 · 2)
    schedule.threads = 4
    #expect(rows(384, positions: 196) == 49)
    #expect(rows(96, positions: 10) == 3)
  }

  @Test func thePredictionIsTheSlowerOfArithmeticAndMemory() throws {
    let plan = try TinyNetwork().compile(pictures: 1).plan
    var board = try board()
    let usual = Prediction(plan, on: board, threads: 1)
    #expect(usual.steps.allSatisfy { $0.memory == 0 })  // plan and arena stay in 1 MB
    board.clusters[0].megahertz *= 2
    let faster = Prediction(plan, on: board, threads: 1)
    #expect(abs(faster.total * 2 - usual.total) < 1e-9 * usual.total)
    board.clusters[0].l2Kilobytes = 1
    board.memory.gigabytesPerSecond = 1e-6
    let starved = Prediction(plan, on: board, threads: 1)
    #expect(starved.steps.allSatisfy { $0.total == $0.memory && $0.memory > 0 })
    // The head is one thread's.
    let shared = Prediction(plan, on: try self.board(), threads: 4)
    #expect(shared.total < usual.total && shared.total > usual.total / 4)
  }

  @Test func aPlanThatDoesNotFitTheMemoryIsNoticed() throws {
    let plan = try TinyNetwork().compile(pictures: 1).plan
    var board = try board()
    #expect(MemoryFit(plan, on: board, threads: 4).fits)
    board.memory.megabytes = 16
    board.memory.systemMegabytes = 4
    let fit = MemoryFit(plan, on: board, threads: 4)
    #expect(!fit.fits && fit.availableBytes == 12 << 20)
  }
}
